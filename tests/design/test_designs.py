"""Designs as values: shapes, sizes, names, and fitting to other images."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from muslin.design import Conv2d, MaxPool2d, Window, load_baseline, load_design, parse_design
from muslin.errors import DesignError


def test_custom_cnn_has_the_shapes_and_parameters_of_its_table() -> None:
    table = [
        (layer.name, leaving, layer.parameters(entering))
        for layer, entering, leaving in load_design("custom_cnn").placed
    ]
    assert table == [
        ("conv1", (28, 28, 32), 320),
        ("pool1", (14, 14, 32), 0),
        ("conv2", (14, 14, 64), 18_496),
        ("pool2", (7, 7, 64), 0),
        ("conv3", (7, 7, 128), 73_856),
        ("global_avg_pool", (128,), 0),
        ("dropout", (128,), 0),
        ("output", (10,), 1_290),
    ]


def test_every_layer_of_the_library_gives_a_reason() -> None:
    for name in ("custom_cnn", "dense_baseline"):
        design = load_design(name)
        assert all(layer.because for layer in design.layers)
        assert design.because
        assert design.title


def test_a_pool_steps_by_its_own_size_unless_told_otherwise() -> None:
    assert MaxPool2d(name="pool", kernel=(3, 2)).output_shape((9, 8, 5)) == (3, 4, 5)
    assert MaxPool2d(name="pool", kernel=3, stride=1).output_shape((9, 8, 5)) == (7, 6, 5)


def test_same_padding_puts_the_odd_pixel_at_the_end() -> None:
    window = Conv2d(name="conv", filters=1, kernel=(4, 3), stride=(1, 2)).window((7, 8, 1))
    assert window == Window((4, 3), (1, 2), (1, 1), before=(1, 0), after=(2, 1))


def test_valid_keeps_only_the_positions_where_the_spread_kernel_fits() -> None:
    layer = Conv2d(name="conv", filters=2, kernel=3, dilation=2, padding="valid")
    assert layer.output_shape((5, 9, 1)) == (1, 5, 2)


def test_a_design_is_a_value() -> None:
    design = load_design("custom_cnn")
    with pytest.raises(ValidationError, match="frozen"):
        design.name = "other"  # type: ignore[misc]


def test_a_layer_is_found_by_its_name() -> None:
    design = load_design("custom_cnn")
    assert design.layer("conv2") is design.layers[2]
    with pytest.raises(KeyError):
        design.layer("conv9")


def test_the_baseline_takes_the_images_and_classes_of_the_design() -> None:
    color = load_design("custom_cnn").fitted_to((32, 20, 3), 7)
    baseline = load_baseline(color)
    assert baseline is not None
    assert (baseline.name, baseline.input_shape, baseline.classes) == ("dense_baseline", (32, 20, 3), 7)


def test_none_and_a_design_compared_with_itself_mean_no_baseline() -> None:
    assert load_baseline(load_design("custom_cnn"), "none") is None
    assert load_baseline(load_design("dense_baseline")) is None


def test_a_design_can_ask_for_no_baseline() -> None:
    assert load_baseline(load_design("custom_cnn").model_copy(update={"baseline": "none"})) is None


def test_a_design_that_does_not_fit_other_images_says_which_layer() -> None:
    with pytest.raises(DesignError, match=r"'custom_cnn' .* images of 2×2×1 .* layer 4 'pool2'"):
        load_design("custom_cnn").fitted_to((2, 2, 1), 10)


@pytest.mark.parametrize(("written", "meant"), [("5", (5, 5)), ("[5, 5]", (5, 5)), ("[1, 7]", (1, 7))])
def test_a_kernel_is_one_number_or_two(written: str, meant: tuple[int, int]) -> None:
    design = parse_design(f"""
name = "pairs"
input_shape = [9, 9, 1]
[[layers]]
kind = "conv2d"
name = "conv"
filters = 1
kernel = {written}
[[layers]]
kind = "global_avg_pool2d"
name = "pool"
[[layers]]
kind = "dense"
name = "output"
units = 2
""")
    assert design.layer("conv").kernel == meant
