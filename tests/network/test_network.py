"""The torch network against plain loops, and what it promises about names, shapes and modes."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import reference
from helpers.strategies import TREACHEROUS_NAMES, designs
from muslin.data import Dataset
from muslin.design import Conv2d, Dense, Design, Dropout, Flatten, GlobalAvgPool2d, load_design
from muslin.errors import DataError
from muslin.network import Network, predict, prepare

pytestmark = pytest.mark.usefixtures("one_thread")


def arrays(network: Network) -> dict[str, np.ndarray]:
    return {name: weights.numpy() for name, weights in network.state_dict().items()}


def as_design_shape(output: torch.Tensor) -> np.ndarray:
    values = output.numpy()
    return values.transpose(1, 2, 0) if values.ndim == 3 else values


@settings(max_examples=60)
@given(design=designs(most_pixels=7, most_image_layers=3), seed=st.integers(0, 2**32 - 1))
def test_every_layer_computes_what_its_definition_says(design: Design, seed: int) -> None:
    torch.manual_seed(seed)
    network = Network(design).double().eval()
    with torch.no_grad():
        for name, array in network.state_dict().items():
            array.uniform_(0.2 if name.endswith("variance") else -1, 1)
    image = np.random.default_rng(seed).normal(size=design.input_shape)  # negative values too
    with torch.no_grad():
        outputs = network.activations(torch.from_numpy(image).permute(2, 0, 1)[None])
    expected = reference.compute(design, arrays(network), image)
    for name in design.names:
        np.testing.assert_allclose(as_design_shape(outputs[name][0]), expected[name], atol=1e-9, err_msg=name)


def test_probabilities_are_those_of_the_definition(sample: Dataset) -> None:
    torch.manual_seed(0)
    network = Network(load_design("custom_cnn"))
    images = sample.test.images[:2]
    expected = [
        reference.probabilities(reference.compute(network.design, arrays(network), image / 255)["output"])
        for image in images
    ]
    np.testing.assert_allclose(predict(network, images), expected, atol=1e-6)


def test_bytes_become_0_to_1_with_channels_first_and_last_in_memory() -> None:
    images = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    prepared = prepare(images)
    assert prepared.shape == (2, 3, 4, 5)
    assert prepared.is_contiguous(memory_format=torch.channels_last)
    assert prepared.dtype == torch.float32
    np.testing.assert_array_equal(prepared[1, 2, 3, 4].item(), np.float32(images[1, 3, 4, 2]) / 255)
    assert prepare(np.full((1, 1, 1, 1), 255, np.uint8)).item() == 1


def test_images_that_may_not_be_written_to_are_prepared_without_a_warning() -> None:
    images = np.frombuffer(bytes(16), np.uint8).reshape(1, 4, 4, 1)
    assert prepare(images).sum() == 0
    assert not images.flags.writeable


def test_preparing_leaves_the_images_alone() -> None:
    images = np.full((1, 4, 4, 1), 200, np.uint8)
    prepare(images)
    assert (images == 200).all()


def test_predicting_in_other_batches_changes_nothing(sample: Dataset) -> None:
    network = Network(load_design("custom_cnn"))
    images = sample.test.images[:30]
    np.testing.assert_allclose(predict(network, images, batch_size=7), predict(network, images), atol=1e-6)


def test_predictions_are_probabilities_in_float32(sample: Dataset) -> None:
    predictions = predict(Network(load_design("dense_baseline")), sample.test.images[:5])
    assert predictions.dtype == np.float32
    assert predictions.shape == (5, 10)
    np.testing.assert_allclose(predictions.sum(1), 1, atol=1e-6)


def test_no_images_give_no_predictions() -> None:
    predictions = predict(Network(load_design("custom_cnn")), np.zeros((0, 28, 28, 1), np.uint8))
    assert (predictions.shape, predictions.dtype) == ((0, 10), np.float32)


@pytest.mark.parametrize("training", [True, False])
def test_predicting_turns_dropout_off_and_leaves_the_mode_as_it_was(training: bool) -> None:
    network = Network(load_design("custom_cnn")).train(training)
    images = np.full((3, 28, 28, 1), 90, np.uint8)
    np.testing.assert_array_equal(predict(network, images), predict(network, images))
    assert network.training is training
    assert all(module.training is training for module in network.modules())


@pytest.mark.parametrize(
    ("images", "told"),
    [
        (np.zeros((1, 5, 5, 1), np.uint8), r"uint8 and shape 1×5×5×1 .*'dense_baseline'.* images × 28×28×1\."),
        (np.zeros((28, 28, 1), np.uint8), r"shape 28×28×1 .*images\[:1\]"),
        (np.zeros((1, 28, 28, 1), np.float32), "float32 .* takes uint8"),
    ],
)
def test_images_of_another_shape_or_type_are_refused(images: np.ndarray, told: str) -> None:
    with pytest.raises(DataError, match=told):
        predict(Network(load_design("dense_baseline")), images)  # type: ignore[arg-type]


def test_predicting_that_fails_leaves_the_mode_as_it_was() -> None:
    network = Network(load_design("dense_baseline")).train()

    def fail(_: torch.Tensor) -> torch.Tensor:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        predict(network, np.zeros((1, 28, 28, 1), np.uint8), compute=fail)
    assert network.training


def test_a_stride_to_a_single_column_reads_what_is_there() -> None:
    design = Design(
        name="narrow",
        input_shape=(7, 2, 1),
        layers=(
            Conv2d(name="conv", filters=1, kernel=3, stride=(1, 2)),
            Conv2d(name="again", filters=2, kernel=(3, 1), stride=(1, 2)),
            Flatten(name="flatten"),
            Dense(name="output", units=2),
        ),
    )
    network = Network(design)
    images = prepare(np.random.default_rng(0).integers(0, 256, (5, 7, 2, 1), np.uint8))
    found = network(images)
    gradients = torch.autograd.grad(found.square().sum(), [*network.parameters()])
    exact = network.double()(images.double().contiguous())
    assert torch.allclose(found.double(), exact, atol=1e-5)
    expected = torch.autograd.grad(exact.square().sum(), [*network.parameters()])
    for one, other in zip(gradients, expected, strict=True):
        assert torch.allclose(one.double(), other, atol=1e-4)


def test_dropout_hides_values_in_training_only() -> None:
    design = Design(
        name="drop",
        input_shape=(4, 4, 1),
        layers=(Flatten(name="flatten"), Dropout(name="drop", rate=0.5), Dense(name="output", units=2)),
    )
    network, images = Network(design), torch.ones(50, 1, 4, 4)
    dropped = network.train().activations(images)["drop"]
    assert set(dropped.unique().tolist()) == {0.0, 2.0}  # what stays is scaled up by 1 / (1 − rate)
    assert (network.eval().activations(images)["drop"] == 1).all()


@pytest.mark.parametrize("name", TREACHEROUS_NAMES)
def test_a_layer_may_be_called_anything(name: str) -> None:
    other = "other" if name != "other" else "another"
    design = Design(
        name="names",
        input_shape=(4, 4, 1),
        layers=(Conv2d(name=name, filters=2), GlobalAvgPool2d(name="pool"), Dense(name=other, units=2)),
    )
    network = Network(design).train().eval()
    assert list(network.state_dict()) == [f"{name}.weight", f"{name}.bias", f"{other}.weight", f"{other}.bias"]
    assert predict(copy.deepcopy(network).train(), np.zeros((1, 4, 4, 1), np.uint8)).shape == (1, 2)
    again = Network(design)
    again.load_state_dict(network.state_dict())
    image = torch.rand(1, 1, 4, 4)
    assert torch.equal(again.eval()(image), network(image))


def test_weights_are_called_after_their_layers_output_axis_first() -> None:
    shapes = {name: tuple(weights.shape) for name, weights in Network(load_design("custom_cnn")).state_dict().items()}
    assert shapes == {
        "conv1.weight": (32, 1, 3, 3),
        "conv1.bias": (32,),
        "conv2.weight": (64, 32, 3, 3),
        "conv2.bias": (64,),
        "conv3.weight": (128, 64, 3, 3),
        "conv3.bias": (128,),
        "output.weight": (10, 128),
        "output.bias": (10,),
    }


def test_the_output_gives_logits_though_the_design_says_softmax() -> None:
    network = Network(load_design("custom_cnn")).eval()
    images = torch.rand(4, 1, 28, 28)
    logits = network(images)
    assert not torch.allclose(logits.sum(1), torch.ones(4))
    assert torch.equal(network.activations(images)["output"], logits)
