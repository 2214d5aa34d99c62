"""Static figures against independent sources: torch's shapes, its parameter count, its FLOP counter, and Keras."""

from __future__ import annotations

import json
import os
from math import prod

import pytest
import torch
from hypothesis import given, settings
from torch.utils.flop_counter import FlopCounterMode

from helpers.strategies import designs
from muslin.analysis import analyze
from muslin.design import Conv2d, Dense, Design, load_baseline, load_design
from muslin.network import Network

os.environ.setdefault("KERAS_BACKEND", "torch")

pytestmark = pytest.mark.usefixtures("one_thread")


def torch_shape(output: torch.Tensor) -> tuple[int, ...]:
    """The shape of one image's output in the order that designs use."""
    shape = tuple(output.shape[1:])
    return (*shape[1:], shape[0]) if len(shape) == 3 else shape


def images_for(design: Design, count: int = 1) -> torch.Tensor:
    height, width, channels = design.input_shape
    return torch.rand(count, channels, height, width)


@settings(max_examples=40)
@given(design=designs())
def test_output_shapes_are_those_of_the_torch_network(design: Design) -> None:
    outputs = Network(design).eval().activations(images_for(design, 2))
    assert {name: torch_shape(output) for name, output in outputs.items()} == {
        row.name: row.output_shape for row in analyze(design).layers
    }


@settings(max_examples=40)
@given(design=designs())
def test_parameters_are_those_of_the_torch_network(design: Design) -> None:
    network, analysis = Network(design), analyze(design)
    for row, (name, module) in zip(analysis.layers, network.named_children(), strict=True):
        assert (row.name, row.parameters) == (name, sum(array.numel() for array in module.state_dict().values()))
    assert analysis.parameters == sum(array.numel() for array in network.state_dict().values())
    assert analysis.trainable == sum(weights.numel() for weights in network.parameters() if weights.requires_grad)


@settings(max_examples=40)
@given(design=designs(normalize=False))
def test_macs_are_half_the_flops_that_torch_counts(design: Design) -> None:
    network, images = Network(design).eval(), images_for(design)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(images)
    assert 2 * analyze(design).macs == counter.get_total_flops()


def test_batch_normalisation_multiplies_every_value_once() -> None:
    plain = load_design("custom_cnn")
    normalized = Design.model_validate(
        plain.model_dump(exclude={"claims", "decisions"})
        | {
            "layers": [layer.model_dump() | {"normalization": "batch"} for layer in plain.layers[:1]]
            + [layer.model_dump() for layer in plain.layers[1:]]
        }
    )
    assert analyze(normalized).macs == analyze(plain).macs + 28 * 28 * 32
    assert analyze(normalized).parameters == analyze(plain).parameters + 3 * 32
    assert analyze(normalized).trainable == analyze(plain).trainable + 32


@settings(max_examples=40)
@given(design=designs())
def test_totals_are_the_sums_of_the_rows(design: Design) -> None:
    analysis = analyze(design)
    rows = analysis.layers
    assert analysis.parameters == sum(row.parameters for row in rows)
    assert analysis.macs == sum(row.macs for row in rows)
    assert analysis.activation_bytes == sum(4 * prod(row.output_shape) for row in rows)
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert (analysis.float32_bytes, analysis.int8_bytes) == (4 * analysis.parameters, analysis.parameters)
    assert [row.input_shape for row in rows[1:]] == [row.output_shape for row in rows[:-1]]
    assert rows[0].input_shape == design.input_shape


def test_the_most_memory_at_one_time_is_the_output_of_conv1_with_what_pool1_makes_of_it() -> None:
    assert analyze(load_design("custom_cnn")).peak_activation_bytes == 4 * (28 * 28 * 32 + 14 * 14 * 32)


def test_custom_cnn_has_93_962_parameters_7_7_percent_fewer_than_the_dense_baseline() -> None:
    design = load_design("custom_cnn")
    analysis = analyze(design, baseline=load_baseline(design))
    assert analysis.parameters == 320 + 18_496 + 73_856 + 1_290 == 93_962
    assert analysis.comparison is not None
    assert analysis.comparison.parameters == 784 * 128 + 128 + 128 * 10 + 10 == 101_770
    assert f"{analysis.comparison.saved:.1f}" == "7.7"


def test_custom_cnn_multiplies_7_452_416_times() -> None:
    by_hand = 28 * 28 * 32 * 9 + 14 * 14 * 64 * 9 * 32 + 7 * 7 * 128 * 9 * 64 + 128 * 10
    assert analyze(load_design("custom_cnn")).macs == by_hand == 7_452_416


def test_more_parameters_than_the_baseline_are_negative_savings() -> None:
    comparison = analyze(load_design("dense_baseline"), baseline=load_design("custom_cnn")).comparison
    assert comparison is not None
    assert comparison.baseline == "custom_cnn"
    assert comparison.saved == pytest.approx(-100 * (101_770 - 93_962) / 93_962)


def test_an_analysis_survives_json() -> None:
    design = load_design("custom_cnn")
    content = json.loads(json.dumps(analyze(design, baseline=load_baseline(design)).to_dict(), allow_nan=False))
    assert (content["design"], content["title"]) == (design.name, design.title)
    assert content["parameters"] == 93_962
    assert (content["float32_bytes"], repr(content["int8_bytes"])) == (375_848, "93962")
    assert [row["name"] for row in content["layers"]] == list(design.names)
    assert content["layers"][4]["receptive_field"]["size"] == [18, 18]


def test_an_analysis_prints_as_a_table_words_to_the_left_and_numbers_to_the_right() -> None:
    assert str(analyze(load_design("custom_cnn"))).splitlines() == [
        "layer            output    parameters  share       MACs  receptive field",
        "conv1            28×28×32         320   0.3%    225,792  3×3",
        "pool1            14×14×32           0   0.0%          0  4×4",
        "conv2            14×14×64      18,496  19.7%  3,612,672  8×8",
        "pool2            7×7×64             0   0.0%          0  10×10",
        "conv3            7×7×128       73,856  78.6%  3,612,672  18×18",
        "global_avg_pool  128                0   0.0%          0  whole image",
        "dropout          128                0   0.0%          0  whole image",
        "output           10             1,290   1.4%      1,280  whole image",
        "total                          93,962         7,452,416",
    ]


@pytest.mark.parametrize("name", ["custom_cnn", "dense_baseline"])
def test_a_row_is_of_its_layer(name: str) -> None:
    design = load_design(name)
    for row, layer in zip(analyze(design).layers, design.layers, strict=True):
        assert (row.name, row.kind, row.because) == (layer.name, layer.kind, layer.because)


def test_an_unknown_layer_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="conv9"):
        analyze(load_design("custom_cnn")).layer("conv9")


def in_keras(design: Design):
    """The design written in Keras, by hand and apart from Muslin's own export."""
    import keras  # noqa: PLC0415  (seconds that only these tests need)

    layers = keras.layers
    made = []
    for layer in design.layers:
        name = f"layer_{layer.name}"  # Keras keeps some names for itself
        match layer.kind:
            case "conv2d":
                assert isinstance(layer, Conv2d)
                made.append(
                    layers.Conv2D(
                        layer.filters,
                        layer.kernel,
                        strides=layer.stride,
                        dilation_rate=layer.dilation,
                        padding=layer.padding,
                        activation=None if layer.activation == "none" else layer.activation,
                        name=name,
                    )
                )
            case "max_pool2d":
                made.append(layers.MaxPooling2D(layer.kernel, layer.stride, layer.padding, name=name))
            case "avg_pool2d":
                made.append(layers.AveragePooling2D(layer.kernel, layer.stride, layer.padding, name=name))
            case "global_avg_pool2d":
                made.append(layers.GlobalAveragePooling2D(name=name))
            case "global_max_pool2d":
                made.append(layers.GlobalMaxPooling2D(name=name))
            case "flatten":
                made.append(layers.Flatten(name=name))
            case "dropout":
                made.append(layers.Dropout(layer.rate, name=name))
            case "dense":
                assert isinstance(layer, Dense)
                activation = None if layer.activation == "none" else layer.activation
                made.append(layers.Dense(layer.units, activation=activation, name=name))
    return keras.Sequential([layers.Input(design.input_shape), *made])


def check_against_keras(design: Design) -> None:
    model, analysis = in_keras(design), analyze(design)
    assert model.count_params() == analysis.parameters
    for layer, row in zip(model.layers, analysis.layers, strict=True):
        assert layer.count_params() == row.parameters
        assert tuple(layer.output.shape[1:]) == row.output_shape


def test_keras_counts_the_parameters_and_shapes_of_custom_cnn() -> None:
    check_against_keras(load_design("custom_cnn"))


@settings(max_examples=20)
@given(design=designs(dilate_strides=False, normalize=False))
def test_keras_counts_the_parameters_and_shapes_of_any_design(design: Design) -> None:
    check_against_keras(design)
