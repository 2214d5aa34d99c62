from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from helpers.shell import muslin
from muslin.design import Design, load_design
from muslin.engine import machine
from muslin.engine.build import SWITCH
from muslin.recipe import load_recipe
from muslin.training.cost import operations, share_of_peak
from muslin.training.outcome import Outcome
from muslin.training.profile import profile

FAST = load_recipe("fast")
OUTCOME = Outcome(60.0, 1000.0, 4, "finished", "all 4 epochs done", None, "cpu", "float32", 2)


def test_every_part_of_a_step_has_a_time_and_every_product_a_floor(
    small: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, "0")  # the parts are the layers, then, on every machine
    found = profile(small, FAST.with_(batch_size=16), steps=3, device=torch.device("cpu"), precision="float32")
    names = [row.name for row in found.operations]
    layers = ["conv1", "pool1", "conv1's relu", "conv2", "pool", "dropout", "output"]
    assert set(names) == {*layers, "batch: choose, augment, scale", "loss", "optimizer: Muon", "optimizer: AdamW"}
    assert {row.name for row in found.operations if row.floor} == {"conv1", "conv2", "output"}
    assert all(row.forward > 0 for row in found.operations)
    assert found.floor == pytest.approx(
        16 * sum(forward + backward for forward, backward in operations(small).values()) / found.peak * 1e3
    )
    assert json.loads(json.dumps(found.to_dict()))["step"] == found.step


def test_operations_are_counted_forward_and_for_both_gradients() -> None:
    found = operations(load_design("custom_cnn"))
    assert found["conv1"] == (2 * 28 * 28 * 32 * 9, 2 * 28 * 28 * 32 * 9)  # images get no gradient
    assert found["conv3"] == (2 * 49 * 128 * 576, 4 * 49 * 128 * 576)
    assert found["output"] == (2 * 1280, 4 * 1280)


def test_the_share_of_the_peak_is_work_over_time(small: Design, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muslin.training.cost.matrix_peak", lambda _precision, _threads: 1e9)
    per_image = sum(map(sum, operations(small).values()))
    assert share_of_peak(small, OUTCOME) == pytest.approx(1000 * per_image / 1e9)


def test_a_measured_peak_is_remembered_unless_the_machine_was_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "processor", lambda: "abacus of test_profile")
    figures = iter([1.0, 2.0, 3.0])
    monkeypatch.setattr(machine, "measure_matrix_peak", lambda _precision: next(figures))
    machine.matrix_peak.cache_clear()
    assert machine.matrix_peak("float32", 1000) == 1.0  # nobody gave us 1,000 threads' time
    machine.matrix_peak.cache_clear()
    monkeypatch.setattr(machine, "_UNDISTURBED", -1.0)
    assert machine.matrix_peak("float32", 1000) == 2.0
    machine.matrix_peak.cache_clear()
    assert machine.matrix_peak("float32", 1000) == 2.0
    machine.matrix_peak.cache_clear()


def test_the_verb_shows_a_table_and_json(tmp_path: Path) -> None:
    shown = muslin("profile", "--steps", "3", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "optimizer: Muon" in shown.stdout
    assert "images/s" in shown.stdout
    told = json.loads(muslin("profile", "dense_baseline", "--steps", "3", "--json", cwd=tmp_path).stdout)
    assert told["design"] == "dense_baseline"
