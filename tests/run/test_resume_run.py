"""Interrupted runs, as a person meets them on the command line."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from helpers.shell import muslin
from muslin.data import Dataset
from muslin.design import load_design
from muslin.errors import RunError
from muslin.recipe import load_recipe
from muslin.runs.folder import RunFolder
from muslin.training.callbacks import Callback
from muslin.training.state import Training
from muslin.workflow.observer import Observer
from muslin.workflow.run import run
from muslin.workflow.train import train

DENSE = load_design("dense_baseline")
RECIPE = load_recipe("fast").with_(epochs=2)


class Stop(Callback):
    """Stops a training, as the system would, after some step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, training: Training) -> None:
        if training.step == self.step:
            os.kill(os.getpid(), signal.SIGTERM)


class Hearing(Observer):
    """Keeps what a verb says."""

    def __init__(self, said: list[str]) -> None:
        self.said = said

    def note(self, text: str) -> None:
        self.said.append(text)


def digest(folder: RunFolder) -> str:
    return hashlib.sha256(folder.weights_path.read_bytes()).hexdigest()


def test_sigterm_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    arguments = ["train", "dense_baseline", "--sample", "--epochs", "40", "--seed", "3"]
    command = [sys.executable, "-m", "muslin", *arguments, "-o", "runs"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("epoch  1/40" in line for line in iter(process.stderr.readline, ""))
        process.terminate()
        answer, progress = process.communicate(timeout=60)
    assert process.returncode == 130, progress
    folder = RunFolder.open(tmp_path / "runs" / "latest")
    assert answer.endswith(f"muslin train --resume {folder.path}\n")
    assert [path.suffix for path in folder.checkpoints_path.iterdir()] == [".checkpoint"] * 2
    other = muslin("train", "--resume", folder.path, "--seed", "4", cwd=tmp_path)
    assert other.returncode == 1
    assert "The seed was 3, but is 4 now." in other.stderr
    resumed = muslin("train", "--resume", folder.path, cwd=tmp_path)  # it knows its design, recipe, seed and data
    assert resumed.returncode == 0, resumed.stderr
    assert "40 epochs" in resumed.stdout
    assert resumed.stdout.endswith("\nNext: muslin evaluate latest\n")
    assert not folder.checkpoints_path.exists()


def test_a_whole_run_goes_on_where_its_baseline_was_stopped(
    sample: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    done: list[str] = []
    for name in ("export_all", "illustrate"):
        monkeypatch.setattr(f"muslin.workflow.run_steps.{name}", lambda *_arguments, name=name: done.append(name))
    baseline = DENSE.model_copy(update={"name": "other"})

    class Stopping(Hearing):
        def training(self, title: str) -> Sequence[Callback]:
            return [Stop(20)] if title == "other" else []

    first = run(DENSE, sample, RECIPE, baseline=baseline, epochs=2, out=tmp_path, progress=Stopping(said))
    assert "Interrupted while training the baseline" in said[-1]
    assert not done
    first.report()  # by hand, before all is there
    weights = digest(first.folder)
    resume, hearing = first.folder.path, Hearing(said)
    again = run(DENSE, sample, RECIPE, baseline=baseline, resume=resume, progress=hearing)
    assert digest(again.folder) == weights  # not trained again
    assert again.baseline is not None
    assert again.baseline.record.outcome is not None
    assert again.baseline.record.outcome.end == "finished"
    assert done == ["export_all", "illustrate"]
    assert again.folder.report_path.exists()
    run(DENSE, sample, RECIPE, baseline=baseline, resume=resume, progress=hearing)
    assert "Nothing is missing" in said[-1]
    with pytest.raises(RunError, match=r"cannot resume.* The design differs"):
        run(
            DENSE,
            sample,
            RECIPE,
            baseline=DENSE.model_copy(update={"name": "third"}),
            resume=resume,
            progress=hearing,
        )


def test_results_of_interrupted_weights_do_not_outlive_them(sample: Dataset, tmp_path: Path) -> None:
    run = train(DENSE, sample, RECIPE, out=tmp_path, callbacks=[Stop(20)])
    run.open_test(sample)
    run.export("onnx")
    resumed = train(DENSE, sample, RECIPE, resume=run.folder.path)
    assert resumed.folder.evaluation is None
    assert not resumed.folder.export_path("onnx").exists()
    whole = train(DENSE, sample, RECIPE, out=tmp_path / "whole")
    assert digest(resumed.folder) == digest(whole.folder)


class Unwilling(Callback):
    """Another callback than the run began with, or one that fails before the first step."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    def on_start(self, training: Training) -> None:
        if self.fails:
            raise ZeroDivisionError

    def state(self) -> dict[str, bool | int | float | str | None]:
        return {"count": 1}


@pytest.fixture(scope="module")
def evaluated(sample: Dataset, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """An interrupted run of which results were made meanwhile; for reading only."""
    run = train(DENSE, sample, RECIPE, out=tmp_path_factory.mktemp("runs"), precision="float32", callbacks=[Stop(20)])
    run.open_test(sample)
    run.export("onnx")
    return run.folder


@pytest.mark.parametrize("reason", ["precision", "callbacks", "checkpoints", "start"])
def test_what_does_not_go_on_keeps_its_results(
    sample: Dataset, tmp_path: Path, evaluated: RunFolder, reason: str
) -> None:
    folder = RunFolder(Path(shutil.copytree(evaluated.path, tmp_path / "run")))
    if reason == "checkpoints":
        for path in folder.checkpoints_path.iterdir():
            path.write_bytes(b"torn")
    results = [path for path in folder.path.iterdir() if path.is_file()]
    before = {path.name: path.read_bytes() for path in results}
    assert {"evaluation.json", "predictions.safetensors", "model.onnx"} < before.keys()
    with pytest.raises(ZeroDivisionError if reason == "start" else RunError):
        train(
            DENSE,
            sample,
            RECIPE,
            resume=folder.path,
            precision="bfloat16" if reason == "precision" else "float32",
            callbacks=[Unwilling(fails=reason == "start")] if reason in ("callbacks", "start") else [],
        )
    assert {path.name: path.read_bytes() for path in folder.path.iterdir() if path.is_file()} == before


def test_a_run_without_a_checkpoint_begins_at_the_beginning(sample: Dataset, tmp_path: Path) -> None:
    class Crash(Callback):
        def on_step(self, training: Training) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(DENSE, sample, RECIPE, out=tmp_path, callbacks=[Crash()])
    resumed = train(DENSE, sample, RECIPE, resume=next(tmp_path.glob("2*")))
    assert resumed.record.outcome is not None
    assert resumed.record.outcome.end == "finished"


@pytest.mark.parametrize("whole", [False, True])
def test_checkpoints_of_a_process_that_died_before_tidying_up_are_cleared_away(
    sample: Dataset, tmp_path: Path, whole: bool
) -> None:
    trained = train(DENSE, sample, RECIPE, out=tmp_path)
    before = (trained.folder.weights_path).read_bytes()
    trained.folder.checkpoints_path.mkdir()
    (trained.folder.checkpoints_path / "step-0000000028.checkpoint").write_bytes(b"left behind")
    if whole:
        run(DENSE, sample, RECIPE, baseline="none", out=tmp_path, resume=trained.folder.path)
    else:
        train(DENSE, sample, RECIPE, out=tmp_path, resume=trained.folder.path)
    assert not trained.folder.checkpoints_path.exists()
    assert trained.folder.weights_path.read_bytes() == before
