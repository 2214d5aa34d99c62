"""Receptive fields in theory against the pixels that a gradient reaches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from helpers.strategies import designs
from muslin.analysis import ReceptiveField, analyze, describe_field, receptive_fields
from muslin.design import (
    AvgPool2d,
    Conv2d,
    Dense,
    Design,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    Layer,
    MaxPool2d,
    load_design,
    parse_design,
)
from muslin.network import Network

pytestmark = pytest.mark.usefixtures("one_thread")


def without_choices(design: Design) -> Design:
    """The same windows, with every choice between pixels taken away: no activations, a mean for every maximum."""

    def open_(layer: Layer) -> Layer:
        match layer:
            case Conv2d() | Dense():
                return layer.model_copy(update={"activation": "none"})
            case MaxPool2d():
                return AvgPool2d.model_validate(layer.model_dump() | {"kind": "avg_pool2d"})
            case GlobalMaxPool2d():
                return GlobalAvgPool2d(name=layer.name)
            case _:
                return layer

    return Design(name="open", input_shape=design.input_shape, layers=tuple(open_(layer) for layer in design.layers))


def seen(design: Design) -> dict[str, np.ndarray]:
    """For each layer the pixels that each unit's gradient reaches: bool, shape (unit, height, width)."""
    network = Network(without_choices(design)).double().eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.fill_(1)  # positive, so that no two paths cancel
    height, width, channels = design.input_shape
    image = torch.ones(1, channels, height, width, dtype=torch.float64, requires_grad=True)
    supports = {}
    for name, output in network.activations(image).items():
        # One unit per position, since all channels see the same; of a row of features, every one.
        units = output[0, 0].flatten() if output.dim() == 4 else output[0]
        each = torch.eye(len(units), dtype=torch.float64)
        (gradients,) = torch.autograd.grad(units, image, each, retain_graph=True, is_grads_batched=True)
        supports[name] = gradients[:, 0].sum(1).numpy() != 0
    return supports


def extent(support: np.ndarray, axis: int) -> int:
    """From the first to the last pixel along an axis that any of the others has."""
    positions = np.flatnonzero(support.any(axis=1 - axis))
    return int(positions[-1] - positions[0] + 1) if len(positions) else 0


@settings(max_examples=40)
@given(design=designs(most_pixels=9, most_image_layers=3, normalize=False))
def test_the_theory_agrees_with_the_gradient_for_any_design(design: Design) -> None:
    supports = seen(design)
    for layer, field in zip(design.layers, receptive_fields(design), strict=True):
        support = supports[layer.name]
        assert field.visible == (max(extent(unit, 0) for unit in support), max(extent(unit, 1) for unit in support))
        assert field.coverage == pytest.approx(max(unit.mean() for unit in support))


def test_conv3_sees_18_by_18_pixels_in_theory_and_by_gradient() -> None:
    design = load_design("custom_cnn")
    field = analyze(design).layer("conv3").receptive_field
    assert field == ReceptiveField(size=(18, 18), stride=(4, 4), visible=(18, 18), coverage=18 * 18 / 28**2)

    network = Network(without_choices(design)).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.fill_(1)
    image = torch.ones(1, 1, 28, 28, requires_grad=True)
    centre = network.activations(image)["conv3"][0, 0, 3, 3]
    centre.backward()
    assert image.grad is not None
    reached = image.grad[0, 0].numpy() != 0
    assert reached.sum() == 18 * 18
    # Unit 3 of 7 starts at pixel 3 · 4 − 7 = 5: the recurrence's start, −(1 + 2 + 4), plus three strides.
    assert reached[5:23, 5:23].all()


def test_custom_cnn_has_the_receptive_fields_of_its_table() -> None:
    fields = receptive_fields(load_design("custom_cnn"))
    assert [(field.size[0], field.stride[0]) for field in fields[:5]] == [(3, 1), (4, 2), (8, 2), (10, 4), (18, 4)]
    assert all(field.whole_image for field in fields[5:])
    assert not any(field.whole_image for field in fields[:5])
    assert [describe_field(field) for field in fields] == [
        "3×3",
        "4×4",
        "8×8",
        "10×10",
        "18×18",
        *["whole image"] * 3,
    ]


def fields_of(layers: str, input_shape: str) -> tuple[ReceptiveField, ...]:
    head = f'name = "tried"\ninput_shape = {input_shape}\n'
    rest = '[[layers]]\nkind = "flatten"\nname = "f"\n[[layers]]\nkind = "dense"\nname = "o"\nunits = 2\n'
    return receptive_fields(parse_design(f"{head}{layers}{rest}"))


def test_pixels_that_pooling_drops_are_not_seen_by_anything_after_it() -> None:
    pool_and_conv = (
        '[[layers]]\nkind = "max_pool2d"\nname = "p"\n[[layers]]\nkind = "conv2d"\nname = "c"\nfilters = 1\n'
    )
    fields = fields_of(pool_and_conv, "[3, 3, 1]")
    # In theory the convolution sees 6 × 6; in fact one window of the pool, which left over row 2 and column 2.
    assert fields[1].size == (6, 6)
    assert fields[1].visible == (2, 2)
    assert not fields[-1].whole_image


def test_a_dilated_kernel_reaches_further_than_it_covers() -> None:
    dilated = '[[layers]]\nkind = "conv2d"\nname = "c"\nfilters = 1\ndilation = 2\npadding = "valid"\n'
    field = fields_of(dilated, "[9, 9, 1]")[0]
    assert field.size == field.visible == (5, 5)
    assert field.coverage == pytest.approx(9 / 81)


def test_kernels_that_are_not_square_see_fields_that_are_not_square() -> None:
    wide = '[[layers]]\nkind = "conv2d"\nname = "c"\nfilters = 1\nkernel = [1, 7]\nstride = [2, 1]\n'
    field = fields_of(wide, "[8, 16, 3]")[0]
    assert (field.size, field.stride, field.visible) == ((1, 7), (2, 1), (1, 7))


def test_a_dense_layer_right_after_flatten_sees_everything() -> None:
    flatten, hidden, output = receptive_fields(load_design("dense_baseline"))
    assert flatten.size == (1, 1)
    assert hidden.whole_image
    assert output == hidden


def test_dropout_after_flatten_mixes_nothing() -> None:
    design = parse_design(
        """
        name = "dropped"
        input_shape = [6, 6, 1]
        layers = [
          {kind = "conv2d", name = "conv", filters = 2},
          {kind = "flatten", name = "flatten"},
          {kind = "dropout", name = "dropout"},
          {kind = "dense", name = "output", units = 2},
        ]
        """
    )
    assert [describe_field(field) for field in receptive_fields(design)] == [*["3×3"] * 3, "whole image"]


def test_a_dense_layer_sees_all_of_the_thinnest_image() -> None:
    design = parse_design(
        """
        name = "thin"
        input_shape = [2, 1, 1]
        layers = [{kind = "flatten", name = "flatten"}, {kind = "dense", name = "output", units = 2}]
        """
    )
    flatten, output = receptive_fields(design)
    assert (flatten.size, flatten.whole_image) == ((1, 1), False)
    assert (output.size, output.visible, output.whole_image) == ((2, 1), (2, 1), True)


def test_large_images_are_analyzed_in_a_moment() -> None:
    convs = "".join(f'[[layers]]\nkind = "conv2d"\nname = "c{n}"\nfilters = 1\n' for n in range(20))
    assert fields_of(convs, "[1024, 1024, 1]")[-1].whole_image
