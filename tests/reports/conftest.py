"""A run folder filled by hand: the report reads folders, and need not wait for a training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from muslin.data import Dataset
from muslin.design import Design, load_design
from muslin.evaluation import Evaluation
from muslin.recipe import Recipe, load_recipe
from muslin.runs.folder import RunFolder
from muslin.runs.record import RunRecord
from muslin.training.history import Epoch, History
from muslin.training.outcome import Outcome
from muslin.workflow.run_training import new_record

CNN, DENSE = load_design("custom_cnn"), load_design("dense_baseline")
OUTCOME = Outcome(61.3, 7321.0, 3, "finished", "all 3 epochs done", None, "cpu", "bfloat16", 2)
HISTORY = History(
    [
        Epoch(1, 0.08, 0.7870, 0.8082, 0.3318, 0.9003, 20.1, 7000.0),
        Epoch(2, 0.04, 0.5154, 0.9164, 0.2608, 0.9238, 20.4, 7100.0),
        Epoch(3, 0.00, 0.4900, 0.9264, 0.2708, 0.9218, 20.2, 7050.0),
    ]
)

MakeRun = Callable[..., RunFolder]


@pytest.fixture
def make_run(tmp_path: Path, sample: Dataset) -> MakeRun:
    """Fill a run folder: `make_run(design=…, recipe=…, evaluated=False, baseline=None, change=record → record)`."""

    def make(
        design: Design = CNN,
        recipe: Recipe | None = None,
        *,
        history: History = HISTORY,
        outcome: Outcome | None = OUTCOME,
        evaluated: bool = True,
        baseline: Design | None = DENSE,
        change: Callable[[RunRecord], RunRecord] = lambda record: record,
    ) -> RunFolder:
        record = new_record(design, sample, recipe or load_recipe("fast"), 0)
        record = change(record.model_copy(update={"outcome": outcome}))
        folder = RunFolder.create(record, design, tmp_path / "runs")
        fill(folder, sample, history, 0.1 if evaluated else None)
        if baseline is not None:
            theirs = record.model_copy(update={"design": baseline.name})
            fill(folder.create_baseline(theirs, baseline), sample, history, 0.2 if evaluated else None)
        return folder

    return make


def fill(folder: RunFolder, data: Dataset, history: History, wrong: float | None) -> None:
    folder.save_history(history)
    folder.weights_path.write_bytes(b"weights, which a report doesn't read")
    if wrong is None:
        return
    evaluation = Evaluation(data.test.labels, answers(data.test.labels, wrong), folder.record.data.class_names)
    settled = {
        "train": {"accuracy": 0.95, "loss": 0.2, "images": 1800},
        "validation": {"accuracy": 0.93, "loss": 0.25, "images": 200},
    }
    folder.save_evaluation(evaluation, {"test": evaluation.summary(), **settled})


def answers(labels: np.ndarray, wrong: float) -> np.ndarray:
    """Probabilities that put a share of `wrong` on the next class."""
    rng = np.random.default_rng(int(100 * wrong))
    answered = np.where(rng.random(len(labels)) < wrong, (labels + 1) % 10, labels)
    probabilities = np.full((len(labels), 10), 0.02, np.float32)
    probabilities[np.arange(len(labels)), answered] = 0.82
    return probabilities
