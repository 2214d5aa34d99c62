"""Filters, feature maps and class activation maps are those of the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from muslin.analysis import receptive_fields
from muslin.data import Dataset
from muslin.design import Design, load_design, parse_design
from muslin.errors import DesignError
from muslin.interpret import (
    class_activation_maps,
    feature_maps,
    filters,
    first_convolution,
    measured_receptive_field,
    strongest_channels,
)
from muslin.network import Network, prepare

HEAD = 'name = "d"\ninput_shape = [12, 10, 3]\n'
CONV = '[[layers]]\nkind = "conv2d"\nname = "c{n}"\nfilters = 5\nkernel = {kernel}\nactivation = "relu"\n'
FLAT_ENDING = (
    '[[layers]]\nkind = "flatten"\nname = "f"\n'
    '[[layers]]\nkind = "dense"\nname = "hidden"\nunits = 8\nactivation = "relu"\n'
    '[[layers]]\nkind = "dense"\nname = "out"\nunits = 4\nactivation = "softmax"\n'
)


def flat_design() -> Design:
    return parse_design(HEAD + CONV.format(n=1, kernel=3) + CONV.format(n=2, kernel="[2, 5]") + FLAT_ENDING, "flat")


def network_of(design: Design) -> Network:
    torch.manual_seed(0)
    return Network(design)


@pytest.fixture(scope="module")
def cnn() -> Network:
    return network_of(load_design("custom_cnn"))


def test_filters_are_the_first_convolutions_kernels(cnn: Network) -> None:
    kernels = filters(cnn)
    assert first_convolution(cnn.design) == "conv1"
    assert kernels.shape == (32, 3, 3, 1)
    weight = cnn.get_parameter("conv1.weight").detach()
    assert kernels[7, 0, 2, 0] == weight[7, 0, 0, 2]
    assert filters(cnn, "conv2").shape == (64, 3, 3, 32)
    kernels[:] = 0
    assert weight.abs().sum() > 0


def test_feature_maps_hold_every_layers_output_in_order(cnn: Network, sample: Dataset) -> None:
    maps = feature_maps(cnn, sample.test.images[0])
    assert tuple(maps) == cnn.design.names
    for layer, _, shape in cnn.design.placed:
        assert maps[layer.name].shape == shape
    with torch.no_grad():
        inputs = prepare(sample.test.images[:1])
        by_hand = functional.conv2d(
            inputs, cnn.get_parameter("conv1.weight"), cnn.get_parameter("conv1.bias"), padding=1
        ).relu()
    np.testing.assert_allclose(maps["conv1"], by_hand[0].permute(1, 2, 0).numpy(), atol=1e-6)
    assert cnn.training, "the network is left in the mode it was in"
    np.testing.assert_allclose(maps["dropout"], maps["global_avg_pool"])


def test_the_strongest_channels_have_the_highest_mean_magnitude() -> None:
    maps = np.stack([np.full((2, 2), value) for value in (0.1, -3.0, 2.0, 0.0)], axis=-1).astype(np.float32)
    assert strongest_channels(maps, 3).tolist() == [1, 2, 0]
    assert strongest_channels(maps, 99).tolist() == [1, 2, 0, 3]


def test_an_exact_map_averages_to_the_logit(cnn: Network, sample: Dataset) -> None:
    images = sample.test.images[:6]
    maps = class_activation_maps(cnn, images)
    assert (maps.method, maps.layer, maps.maps.shape) == ("exact", "conv3", (6, 7, 7))
    cnn.eval()
    with torch.no_grad():
        logits = cnn(prepare(images)).numpy()
    cnn.train()
    np.testing.assert_array_equal(maps.classes, logits.argmax(axis=1))
    assert maps.bias is not None
    np.testing.assert_allclose(maps.maps.mean(axis=(1, 2)) + maps.bias, logits.max(axis=1), atol=1e-5)
    np.testing.assert_allclose(maps.logits, logits.max(axis=1), atol=1e-6)


def test_a_map_can_be_asked_for_any_class(cnn: Network, sample: Dataset) -> None:
    classes = np.array([3, 9])
    maps = class_activation_maps(cnn, sample.test.images[:2], classes)
    assert maps.classes.tolist() == [3, 9]
    assert maps.bias is not None
    np.testing.assert_allclose(maps.maps.mean(axis=(1, 2)) + maps.bias, maps.logits, atol=1e-5)


def test_other_designs_get_grad_cam_of_their_last_convolution() -> None:
    network = network_of(flat_design())
    images = np.random.default_rng(0).integers(0, 256, (3, 12, 10, 3), dtype=np.uint8)
    maps = class_activation_maps(network, images)
    assert (maps.method, maps.layer, maps.maps.shape, maps.bias) == ("Grad-CAM", "c2", (3, 12, 10), None)
    assert (maps.maps >= 0).all()
    # By hand, one image at a time: the gradient by finite steps along each channel's mean.
    tail = torch.nn.Sequential(*list(network.children())[2:])
    for image, expected, chosen in zip(images, maps.maps, maps.classes, strict=True):
        features = torch.from_numpy(feature_maps(network, image)["c2"]).permute(2, 0, 1)[None]
        weights = []
        for channel in range(5):
            nudge = torch.zeros_like(features)
            nudge[:, channel] = 1e-3
            with torch.no_grad():
                rise = tail(features + nudge)[0, chosen] - tail(features - nudge)[0, chosen]
            weights.append(rise / 2e-3 / (12 * 10))
        by_hand = torch.einsum("k,khw->hw", torch.stack(weights), features[0]).relu()
        np.testing.assert_allclose(expected, by_hand.numpy(), atol=1e-4)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_grad_cam_works_where_gradients_were_switched_off() -> None:
    network = network_of(flat_design()).requires_grad_(requires_grad=False)
    with torch.no_grad():
        maps = class_activation_maps(network, np.full((1, 12, 10, 3), 99, np.uint8))
    assert np.isfinite(maps.maps).all()


def test_a_design_without_a_convolution_is_told_so() -> None:
    dense = network_of(load_design("dense_baseline"))
    for ask in (filters, lambda network: class_activation_maps(network, np.zeros((1, 28, 28, 1), np.uint8))):
        with pytest.raises(DesignError, match="'dense_baseline' has no convolution"):
            ask(dense)


def test_a_layer_that_is_no_convolution_has_no_filters(cnn: Network) -> None:
    with pytest.raises(DesignError, match=r"'pool1' is not a convolution .* Choose one of conv1, conv2, conv3"):
        filters(cnn, "pool1")


def extent(support: np.ndarray) -> tuple[int, int]:
    rows, columns = np.flatnonzero(support.any(axis=1)), np.flatnonzero(support.any(axis=0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def test_conv3_sees_18_by_18_pixels_in_theory_and_by_gradient() -> None:
    design = load_design("custom_cnn")
    assert extent(measured_receptive_field(design, "conv3")) == (18, 18)
    for layer, field in zip(design.names, receptive_fields(design), strict=True):
        assert extent(measured_receptive_field(design, layer)) == field.visible


def test_a_unit_in_the_corner_sees_less_and_dilation_leaves_holes() -> None:
    design = parse_design(
        HEAD
        + CONV.format(n=1, kernel=3).replace("relu", 'tanh"\ndilation = 2\nstride = 2\npadding = "valid')
        + FLAT_ENDING,
        "dilated",
    )
    corner = measured_receptive_field(design, "c1", (0, 0))
    assert np.argwhere(corner).tolist() == [[row, column] for row in (0, 2, 4) for column in (0, 2, 4)]
    assert measured_receptive_field(load_design("custom_cnn"), "conv1", (0, 0)).sum() == 4


def test_a_deep_network_does_not_lose_its_receptive_field_to_rounding() -> None:
    layers = "".join(CONV.format(n=n, kernel=3).replace("relu", "sigmoid") for n in range(40))
    design = parse_design(HEAD + layers + FLAT_ENDING, "deep")
    assert measured_receptive_field(design, "c39").all()
