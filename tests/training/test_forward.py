"""Training steps compute the network's own function, whatever pieces it is cut into."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from helpers import fused
from muslin.data import Dataset
from muslin.design import Design, load_design, parse_design
from muslin.engine import Precision, build
from muslin.engine.machine import pick_precision, torch_threads
from muslin.network import Network, predict
from muslin.recipe import Distillation, load_recipe
from muslin.training.fit import fit
from muslin.training.forward import Forward, predict_fast
from muslin.training.teachers import teacher

CPU = torch.device("cpu")


NORMALIZED = """
name = "normalized"
input_shape = [12, 12, 1]
layers = [
  {kind = "conv2d", name = "conv1", filters = 16, activation = "relu", normalization = "batch"},
  {kind = "max_pool2d", name = "pool1"},
  {kind = "conv2d", name = "conv2", filters = 16, activation = "tanh"},
  {kind = "max_pool2d", name = "pool2", kernel = 3, padding = "same"},
  {kind = "global_avg_pool2d", name = "pool"},
  {kind = "dense", name = "output", units = 4, activation = "softmax"},
]
"""


def design(activation: str = "relu", filters: int = 16, kernel: int = 3, shape: str = "[12, 12, 1]") -> Design:
    return parse_design(f"""
name = "mixed"
input_shape = {shape}
layers = [
  {{kind = "conv2d", name = "conv1", filters = {filters}, kernel = {kernel}, activation = "{activation}"}},
  {{kind = "max_pool2d", name = "pool1"}},
  {{kind = "conv2d", name = "conv2", filters = 32, activation = "{activation}"}},
  {{kind = "conv2d", name = "conv3", filters = 16, activation = "{activation}"}},
  {{kind = "avg_pool2d", name = "pool2"}},
  {{kind = "flatten", name = "flatten"}},
  {{kind = "dense", name = "output", units = 4, activation = "softmax"}},
]
""")


def gradients(network: Network, forward: Forward | Network, images: Tensor, precision: Precision) -> list[Tensor]:
    network.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        logits = forward(images)
    functional.cross_entropy(logits.float(), torch.arange(len(images)) % logits.shape[1]).backward()
    return [logits.detach().float(), *(p.grad.clone() for p in network.parameters() if p.grad is not None)]


def check_same(network: Network, precision: Precision) -> Forward:
    """Against float32 arithmetic: to its rounding, or about as far off as plain bfloat16."""
    torch.manual_seed(0)
    network.train()
    height, width, channels = network.design.input_shape
    images = torch.rand(6, channels, height, width)
    forward = Forward(network, CPU, precision)
    found = gradients(network, forward, images, precision)
    expected = gradients(network, network, images, "float32")
    plain = gradients(network, network, images, precision)
    slack = 0.02 if precision == "bfloat16" else 1e-4
    for ours, theirs, exact in zip(found, plain, expected, strict=True):
        assert (ours - exact).norm() <= 2 * (theirs - exact).norm() + slack * exact.norm() + 1e-6
    return forward


@pytest.mark.parametrize("activation", ["relu", "elu", "tanh", "sigmoid", "gelu", "silu", "none"])
def test_logits_and_gradients_are_the_networks_own(activation: str) -> None:
    torch.manual_seed(1)
    forward = check_same(Network(design(activation)), "float32")
    # With a ReLU the pooling is part of the block; other activations wait outside.
    whole = ("conv1", "pool1", "conv2", "conv3") if activation == "relu" else ("conv1", "conv2", "conv3")
    assert forward.fused == (whole if build.library("float32") else ())


@pytest.mark.parametrize("text", [NORMALIZED])
def test_normalised_layers_and_odd_poolings_too(text: str) -> None:
    torch.manual_seed(1)
    network = Network(parse_design(text))
    before = network.state_dict()["conv1.mean"].clone()
    forward = check_same(network, "float32")
    assert forward.fused == (("conv1", "conv2") if build.library("float32") else ())
    assert not torch.equal(network.state_dict()["conv1.mean"], before)  # its statistics run on


@pytest.mark.parametrize("precision", fused.PRECISIONS)
def test_fused_blocks_cover_the_librarys_network(precision: Precision) -> None:
    torch.manual_seed(1)
    network = Network(load_design("custom_cnn"))
    network.layer("dropout").p = 0.0  # type: ignore[assignment]
    forward = check_same(network, precision)
    assert forward.fused == ("conv1", "pool1", "conv2", "pool2", "conv3", "global_avg_pool")


@pytest.mark.parametrize("precision", fused.PRECISIONS)
def test_fused_blocks_cover_a_deeper_teacher(precision: Precision) -> None:
    torch.manual_seed(1)
    network = Network(teacher(load_design("custom_cnn"), Distillation(deepen=2)))
    network.layer("dropout").p = 0.0  # type: ignore[assignment]
    forward = check_same(network, precision)
    assert forward.fused == tuple(layer.name for layer, *_ in network.design.placed)[:9]


FUSED: dict[Precision, list[tuple[Design, tuple[str, ...]]]] = {
    "bfloat16": [
        (design(), ("conv1", "pool1", "conv2", "conv3")),
        (design(filters=8), ("conv3",)),
        (design(kernel=5), ("conv2", "conv3")),
        (design(shape="[12, 12, 3]"), ("conv2", "conv3")),
        (design(shape="[13, 9, 1]"), ("conv1", "pool1", "conv2", "conv3")),
        (design("gelu"), ()),
    ],
    "float32": [
        (design(filters=8), ("conv1", "pool1", "conv2", "conv3")),
        (design(filters=12), ("conv3",)),
        (design(kernel=5), ("conv2", "conv3")),
        (design(shape="[12, 12, 3]"), ("conv2", "conv3")),
        (design(shape="[13, 9, 1]"), ("conv1", "pool1", "conv2", "conv3")),
        (design(shape="[80, 80, 1]"), ("conv2", "conv3")),
    ],
}


@pytest.mark.parametrize(
    ("precision", "made", "expected"),
    [(precision, *case) for precision in fused.PRECISIONS for case in FUSED[precision]],
)
def test_blocks_are_fused_where_the_shapes_allow(precision: Precision, made: Design, expected: tuple[str, ...]) -> None:
    torch.manual_seed(1)
    assert check_same(Network(made), precision).fused == expected


@pytest.mark.parametrize("precision", fused.PRECISIONS)
def test_torch_gets_one_thread_where_blocks_do_nearly_everything(precision: Precision) -> None:
    with torch_threads(3):
        library, kernels = load_design("custom_cnn"), design(kernel=5)
        assert Forward(Network(library), CPU, precision).torch_threads == 1
        assert Forward(Network(kernels), CPU, precision).torch_threads == 3


def test_after_a_training_torch_has_the_threads_it_had(sample: Dataset) -> None:
    with torch_threads(3):
        fitted = fit(load_design("custom_cnn"), sample, load_recipe("fast").with_(epochs=1))
        assert torch.get_num_threads() == 3
        assert fitted.outcome.threads == 3


def test_logits_are_float32_in_any_precision() -> None:
    network = Network(design())
    with torch.autocast("cpu", torch.bfloat16):
        assert Forward(network, CPU, "bfloat16")(torch.rand(2, 1, 12, 12)).dtype == torch.float32


def test_fast_predictions_are_the_networks_own_and_leave_it_as_it_was(sample: Dataset) -> None:
    torch.manual_seed(1)
    text = NORMALIZED.replace("12, 12", "28, 28").replace("units = 4", "units = 10")
    for made in (load_design("custom_cnn"), parse_design(text), load_design("dense_baseline")):
        network = Network(made).train()
        before = {name: array.clone() for name, array in network.state_dict().items()}
        found = predict_fast(network, sample.test.images[:60])
        assert abs(found - predict(network, sample.test.images[:60])).max() < 1e-5
        assert network.training
        assert all(torch.equal(array, before[name]) for name, array in network.state_dict().items())


def test_what_comes_back_is_the_network_whatever_computed_the_steps(
    sample: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = parse_design(NORMALIZED.replace("12, 12", "28, 28").replace("units = 4", "units = 10"))
    recipe = load_recipe("fast").with_(epochs=1)
    blocks = fit(wide, sample, recipe, precision="bfloat16")
    monkeypatch.setenv(build.SWITCH, "0")
    plain = fit(wide, sample, recipe, precision="bfloat16")
    assert plain.outcome.fused == ()
    ours, theirs = blocks.network.state_dict(), plain.network.state_dict()
    assert {name: array.shape for name, array in ours.items()} == {name: array.shape for name, array in theirs.items()}


TRAIN = """
import dataclasses, hashlib, numpy as np, torch
from muslin.data import load_data
from muslin.design import load_design
from muslin.recipe import load_recipe
from muslin.network import Network
from muslin.training.fit import fit
from muslin.training.forward import predict_fast
torch.set_num_threads(2)
data = load_data(sample=True)
if __BEFORE__:  # threads that started when denormal numbers still counted
    predict_fast(Network(load_design("custom_cnn")), data.test.images[:50])
data = dataclasses.replace(data, train=data.train.subset(np.arange(500)), validation=data.test.subset(np.arange(50)))
fitted = fit(load_design("custom_cnn"), data, load_recipe("fast").with_(epochs=1), seed=3)
weights = b"".join(array.numpy().tobytes() for array in fitted.network.state_dict().values())
print(hashlib.sha256(weights).hexdigest(), len(fitted.outcome.fused))
"""


@pytest.mark.trains
def test_two_processes_train_the_same_bits_whatever_they_did_before() -> None:
    first, second = (
        subprocess.run(
            [sys.executable, "-c", TRAIN.replace("__BEFORE__", before)], check=True, capture_output=True, text=True
        ).stdout
        for before in ("False", "True")
    )
    assert first == second
    assert first.split()[1] == ("6" if build.library(pick_precision(CPU)) else "0")
