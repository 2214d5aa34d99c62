"""Regions, evidence, occlusion, strongest units, neighbours: what a page needs, held against slower or other ways."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from muslin.design import Design, load_design, parse_design
from muslin.interpret import (
    Neighbours,
    Novelty,
    StrongestUnits,
    class_activation_maps,
    exact_cam,
    feature_layer,
    feature_maps,
    measured_receptive_field,
    occlusion_map,
    pooled_layer,
    unit_regions,
)
from muslin.network import Network

CNN = load_design("custom_cnn")
STRIDED = parse_design(
    """
    name = "strided"
    input_shape = [15, 17, 3]
    layers = [
      { kind = "conv2d", name = "a", filters = 4, kernel = [5, 3], stride = 2, padding = "same" },
      { kind = "avg_pool2d", name = "b", kernel = 2, stride = 1, padding = "valid" },
      { kind = "conv2d", name = "c", filters = 2, kernel = 3, stride = [1, 2], padding = "same" },
      { kind = "global_avg_pool2d", name = "d" },
      { kind = "dense", name = "e", units = 3 },
    ]
    """
)


@pytest.mark.parametrize("design", [CNN, STRIDED], ids=lambda design: design.name)
def test_a_units_region_is_where_its_gradient_is_not_zero(design: Design) -> None:
    looks = unit_regions(design)
    for layer, _, leaving in design.placed:
        if len(leaving) != 3:
            continue
        for row, column in {(0, 0), (leaving[0] // 2, leaving[1] // 2), (leaving[0] - 1, leaving[1] - 1)}:
            support = measured_receptive_field(design, layer.name, (row, column))
            rows, columns = np.flatnonzero(support.any(axis=1)), np.flatnonzero(support.any(axis=0))
            assert looks[layer.name].of(row, column) == (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)


def test_exact_cam_is_the_class_activation_map_and_adds_up_to_the_logit() -> None:
    torch.manual_seed(0)
    network = Network(CNN).eval()
    image = np.random.default_rng(0).integers(0, 256, CNN.input_shape).astype(np.uint8)
    weights = {name: values.detach().numpy() for name, values in network.state_dict().items()}
    layer = pooled_layer(CNN)
    assert layer is not None
    outputs = feature_maps(network, image)
    for number in (0, 7):
        evidence = exact_cam(CNN, weights, np.moveaxis(outputs[layer], -1, 0), number)
        slow = class_activation_maps(network, image[None], np.array([number]))
        assert np.allclose(evidence, slow.maps[0], atol=1e-5)
        assert np.isclose(evidence.mean() + weights["output.bias"][number], outputs["output"][number], atol=1e-5)


def test_occlusion_finds_the_one_part_that_counts() -> None:
    def answers(images: np.ndarray) -> np.ndarray:
        bright = images[:, 20:23, 5:8].mean(axis=(1, 2, 3)) / 255
        return np.stack([bright, 1 - bright], axis=1)

    image = np.zeros((28, 28, 1), np.uint8)
    image[20:23, 5:8] = 255
    losses = occlusion_map(answers, image, 0)
    row, column = np.unravel_index(losses.argmax(), losses.shape)
    assert abs(row / 13 * 27 - 21) < 2.5
    assert abs(column / 13 * 27 - 6) < 2.5
    assert losses.max() > 0.9
    assert np.allclose(losses[:8], 0)
    assert np.allclose(occlusion_map(answers, image, 1), -losses)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 40, 3), (5, 4, 1)])
def test_occlusion_takes_images_of_any_size(shape: tuple[int, int, int]) -> None:
    losses = occlusion_map(lambda images: np.ones((len(images), 2)), np.zeros(shape, np.uint8), 0)
    assert losses.shape == (min(shape[0], 14), min(shape[1], 14))


def test_the_strongest_units_are_those_of_a_full_sort_whatever_the_batches() -> None:
    outputs = np.random.default_rng(0).normal(size=(50, 3, 4, 5)).astype(np.float32)
    units = StrongestUnits(keep=4)
    for start in range(0, 50, 7):
        units.add(outputs[start : start + 7])
    for channel in range(3):
        best = outputs[:, channel].reshape(50, -1)
        order = np.argsort(-best.max(axis=1))[:4]
        found = units.of(channel)
        assert [unit.image for unit in found] == order.tolist()
        for unit in found:
            assert outputs[unit.image, channel, unit.row, unit.column] == unit.value == best[unit.image].max()


def test_a_filter_that_never_fires_has_no_strongest_units() -> None:
    units = StrongestUnits()
    assert units.of(0) == ()
    units.add(np.zeros((5, 2), np.float32))
    assert units.of(1) == ()


def test_neighbours_are_the_nearest_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    train, query = rng.random((200, 8), np.float32), rng.random((5, 8), np.float32)
    distances, numbers = Neighbours(train).find(query, 6)
    slow = np.linalg.norm(np.sqrt(query)[:, None] - np.sqrt(train)[None], axis=2)
    assert np.array_equal(numbers, np.argsort(slow, axis=1)[:, :6])
    assert np.allclose(distances, np.sort(slow, axis=1)[:, :6], atol=1e-5)
    few_distances, _ = Neighbours(train[:3]).find(query)
    assert few_distances.shape == (5, 3)


def test_the_false_alarm_rate_is_set_on_validation_and_measured_on_test() -> None:
    rng = np.random.default_rng(0)
    validation, test = rng.normal(size=5000).astype(np.float32), rng.normal(size=4000).astype(np.float32)
    novelty = Novelty.calibrate(validation, test, meant=0.05)
    assert (validation > novelty.threshold).mean() == pytest.approx(0.05, abs=1e-3)
    assert novelty.measured == novelty.unlike(test).mean() == pytest.approx(0.05, abs=0.015)
    assert novelty.images == 4000
    assert Novelty.calibrate(validation).measured is None


def test_the_feature_layer_is_what_the_last_layer_weighs() -> None:
    assert feature_layer(CNN) == "global_avg_pool"
    linear = parse_design(
        """
        name = "linear"
        input_shape = [4, 4, 1]
        layers = [{ kind = "flatten", name = "f" }, { kind = "dense", name = "d", units = 2 }]
        """
    )
    assert feature_layer(linear) == "f"
    assert pooled_layer(linear) is None


def test_none_of_this_imports_torch() -> None:
    code = (
        "import sys; "
        "from muslin.interpret import Neighbours, StrongestUnits, exact_cam, occlusion_map, unit_regions; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
