"""The messages of training and its engine, whole, in tests/golden/training_messages.txt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers import golden
from helpers.messages import text_of
from muslin.data import Dataset
from muslin.design import load_design, parse_design
from muslin.engine import build
from muslin.engine.machine import pick_device, pick_precision
from muslin.network import Network
from muslin.recipe import load_recipe
from muslin.training.callbacks import Callback, restore_states
from muslin.training.checkpoint import FORMAT, Checkpoints, from_bytes
from muslin.training.fit import check_fit
from muslin.training.history import COLUMNS, History
from muslin.training.scaling import InputScaling
from muslin.training.snapshot import Identity, Snapshot, require_same

HEADER = ",".join(COLUMNS)
ROW = "1,0.08,0.9,0.7,0.5,0.8,1.5,1000"


class Counting(Callback):
    """Needs a count in its state."""

    def state(self) -> dict[str, bool | int | float | str | None]:
        return {"count": 1}

    def restore(self, state: dict[str, bool | int | float | str | None]) -> None:
        self.count = state["count"]


def test_the_messages_of_training(sample: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cnn, fast = load_design("custom_cnn"), load_recipe("fast")
    there = Identity(design="a\nb\n", recipe={"epochs": 3}, data="0123456789abcdef", seed=1, device="cpu")
    here = Identity(design="a\nc\n", recipe={"epochs": 4}, data="fedcba9876543210", seed=2, device="cuda")
    dropping = parse_design(
        'name = "dropping"\ninput_shape = [28, 28, 1]\nlayers = [{kind = "dropout", name = "drop"}, '
        '{kind = "flatten", name = "flatten"}, {kind = "dense", name = "output", units = 10, activation = "softmax"}]'
    )
    standardized = fast.with_(input_scaling="standardized")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "step-0000000001.checkpoint").write_bytes(b"")
    calls: dict[str, Callable[[], object]] = {
        "the data has another size": lambda: check_fit(cnn.fitted_to((20, 20, 1), 10), sample, fast),
        "the data has more classes": lambda: check_fit(cnn.fitted_to((28, 28, 1), 7), sample, fast),
        "unknown device": lambda: pick_device("abacus"),
        "unknown precision": lambda: pick_precision(torch.device("cpu"), "float8"),
        "dropout before the first weights": lambda: InputScaling(
            Network(dropping), standardized, torch.from_numpy(sample.train.images)
        ),
        "resumed with other settings": lambda: require_same(there, here),
        "resumed with another precision": lambda: require_same(
            there.model_copy(update={"precision": "float32"}), there.model_copy(update={"precision": "bfloat16"})
        ),
        "other callbacks": lambda: restore_states((("Counting", {"count": 1}),), []),
        "a callback rejects its state": lambda: restore_states((("Counting", {"other": 1}),), [Counting()]),
        "not a checkpoint": lambda: from_bytes(b"something else", "FILE"),
        "checkpoint of another format": lambda: from_bytes(
            b"muslin checkpoint" + bytes([FORMAT + 1]) + bytes(99), "FILE"
        ),
        "checkpoint with a wrong digest": lambda: from_bytes(
            b"muslin checkpoint" + bytes([FORMAT]) + bytes(99), "FILE"
        ),
        "every checkpoint is damaged": Checkpoints(damaged).load,
        "invalid state": lambda: Snapshot.from_json("nonsense", {"weights/a": np.zeros(1)}),
        "history: empty": lambda: History.from_csv("", "FILE"),
        "history: other columns": lambda: History.from_csv("a,b\n1,2\n", "FILE"),
        "history: truncated line": lambda: History.from_csv(f"{HEADER}\n1,0.08\n", "FILE"),
        "history: too many values": lambda: History.from_csv(f"{HEADER}\n{ROW},2\n", "FILE"),
        "history: not a number": lambda: History.from_csv(f"{HEADER}\n{ROW.replace('0.9', 'good')}\n", "FILE"),
        "history: missing epoch": lambda: History.from_csv(f"{HEADER}\n{ROW.replace('1,', '2,', 1)}\n", "FILE"),
    }
    texts = {heading: text_of(call, tmp_path) for heading, call in calls.items()}
    monkeypatch.setenv(build.SWITCH, "0")
    texts["fused blocks are disabled"] = build.describe("float32")
    monkeypatch.delenv(build.SWITCH)
    monkeypatch.setattr(build, "_library", lambda _precision: "no C++ compiler found")
    texts["fused blocks are unavailable"] = build.describe("float32")
    golden.compare("training_messages", texts)
