"""A whole run that is stopped, or fails, after its training says how to go on."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.shell import muslin
from muslin._disk.files import replacing
from muslin.cli import main
from muslin.data import Dataset
from muslin.design import load_design
from muslin.errors import DivergedError, MuslinError
from muslin.recipe import load_recipe
from muslin.runs.folder import RunFolder, list_runs
from muslin.workflow.observer import Observer
from muslin.workflow.run import run

SMALL = """
name = "small"
input_shape = [28, 28, 1]
layers = [
  {kind = "max_pool2d", name = "pool1", kernel = 7},
  {kind = "flatten", name = "flatten"},
  {kind = "dense", name = "output", units = 10, activation = "softmax"},
]
"""


@pytest.mark.parametrize(
    ("step", "number"),
    [("Opening the test split", signal.SIGTERM), ("Exporting", signal.SIGINT), ("Drawing", signal.SIGTERM)],
)
def test_stopped_after_training_a_run_says_how_to_go_on(tmp_path: Path, step: str, number: signal.Signals) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    # It stops itself as it says what it begins: by then the next step would be under way.
    code = (
        "import os, sys; from muslin.cli import _output, main\n"
        "note = _output.Output.note\n"
        "def stop(self, text):\n"
        "    note(self, text)\n"
        f"    text.startswith({step!r}) and os.kill(os.getpid(), {number:d})\n"
        "_output.Output.note = stop\n"
        "main(sys.argv[1:])"
    )
    arguments = ["run", "small.toml", "--sample", "--epochs", "1", "--baseline", "none", "-o", "my runs"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
    )
    (folder,) = list_runs(tmp_path / "my runs")
    assert done.returncode == 130, done.stderr
    command = f"muslin run --resume {shlex.quote(str(folder.path))}"
    assert done.stderr.strip().endswith(f"muslin: interrupted.\nTo resume: {command}")
    assert "Traceback" not in done.stderr
    assert not folder.report_path.exists()
    if step == "Exporting":
        finished = muslin(*shlex.split(command)[1:], "--baseline", "none", cwd=tmp_path)
        assert finished.returncode == 0, finished.stderr
        assert "Training" not in finished.stderr
        assert folder.report_path.exists()


def test_evaluation_that_is_interrupted_begins_again_with_the_same_command(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_without_answers(workshop, tmp_path)

    def interrupted(*_arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("muslin.workflow.trained_run.predict", interrupted)
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(folder.path)])
    assert ended.value.code == 130
    assert capsys.readouterr().err.strip().endswith(f"muslin: interrupted.\nTo resume: muslin evaluate {folder.path}")
    assert folder.measured is None
    monkeypatch.undo()
    with contextlib.suppress(SystemExit):
        main(["evaluate", str(folder.path)])
    assert "Test accuracy" in capsys.readouterr().out


def copy_without_answers(workshop: Path, tmp_path: Path) -> RunFolder:
    (source,) = list_runs(workshop / "runs")
    (tmp_path / "run").mkdir()
    for name in ("run.json", "design.toml", "history.csv", "model.safetensors"):
        (tmp_path / "run" / name).write_bytes((source.path / name).read_bytes())
    return RunFolder.open(tmp_path / "run")


def test_sigterm_means_after_a_run_what_it_meant_before(sample: Dataset, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(MuslinError):
        run(*everything(sample), baseline="none", out=tmp_path, progress=FullDisk(tmp_path / "answers"))
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_disk_that_is_full_after_training_costs_no_training(sample: Dataset, tmp_path: Path) -> None:
    with pytest.raises(MuslinError, match=r"answers cannot be written: No space left on device\. Free some") as raised:
        run(*everything(sample), baseline="none", out=tmp_path, progress=FullDisk(tmp_path / "answers"))
    (folder,) = list_runs(tmp_path)
    assert raised.value.__notes__ == [f"Then resume with: muslin run --resume {folder.path}"]


def test_a_training_that_diverged_is_not_offered_to_go_on(
    sample: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_arguments: object) -> None:
        raise DivergedError("the loss is infinite")

    monkeypatch.setattr("muslin.workflow.run_steps._train", diverge)
    with pytest.raises(DivergedError) as raised:
        run(*everything(sample), baseline="none", out=tmp_path)
    assert not hasattr(raised.value, "__notes__")


def everything(sample: Dataset) -> tuple[object, ...]:
    return load_design("dense_baseline"), sample, load_recipe("fast").with_(epochs=1)


class FullDisk(Observer):
    """There is no room for the answers on the test split."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, text: str) -> None:
        if text.startswith("Opening"):
            with replacing(self.path):
                raise OSError(errno.ENOSPC, "a long sentence of some library")
