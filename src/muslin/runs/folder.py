"""The run folder: the one place that knows its layout.

runs/
latest                        points at the newest run
<time>-<design>-<recipe>-<seed>/
run.json                    recipe, seed, data, environment, outcome: what is needed to repeat it
design.toml                 the design
history.csv                 one line an epoch
model.safetensors           the weights
evaluation.json             figures of the test split
predictions.safetensors     the network's answers on the test split, from which those figures were computed
figures/                    *.svg and *.png
evidence/                   what a study found out about the design's decisions, if there was one
report.html
model.onnx, model.keras, …  exports
checkpoints/                while it is trained: its whole state, to go on from
baseline/                   the same again for the baseline, if one was trained
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from muslin._disk.files import write_bytes, write_text
from muslin._disk.lock import at_work
from muslin._disk.new_folder import new_folder
from muslin.design import Design, format_design, load_design
from muslin.errors import MuslinError, RunError
from muslin.evaluation import Evaluation
from muslin.runs.files import FIGURES_OF_WEIGHTS, missing, read
from muslin.runs.record import RunRecord
from muslin.training.history import History

LATEST = "latest"
RUNS = Path("runs")


class RunFolder:
    """A run on disk. What is read is validated; what is written is whole or absent.

    Args:
        path: the folder; `RunFolder.open` also takes "latest".
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, record: RunRecord, design: Design, parent: Path = RUNS) -> RunFolder:
        """Make a new run folder under `parent` and point `latest` at it.

        Raises:
            MuslinError: the folder can't be made.
        """
        name = f"{record.created:%Y%m%d-%H%M%S}-{design.name}-{record.recipe.name}-{record.seed}"
        folder = cls(new_folder(parent, name, lambda place: cls(place).begin(record, design)))
        _point_latest(parent, folder.path)
        return folder

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """An existing run: a folder, or "latest" for the newest one under ``runs/``.

        Raises:
            RunError: there is no run.
        """
        place = RUNS / LATEST if str(path) == LATEST and not Path(path).exists() else Path(path)
        folder = cls(place.resolve())
        if not folder.path.is_dir():
            if str(path) == LATEST:
                raise RunError(
                    f"there is no newest run at {place}. `muslin train` makes one; or give a run folder's path."
                )
            raise RunError(f"there is no run folder '{path}'. `muslin train` makes one; give its path, or 'latest'.")
        _ = folder.record
        return folder

    def begin(self, record: RunRecord, design: Design) -> None:
        """Write what is known before training."""
        write_text(self.path / "design.toml", format_design(design))
        self.save_record(record)

    # ── Where things are ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def weights_path(self) -> Path:
        """The weights."""
        return self.path / "model.safetensors"

    @property
    def checkpoints_path(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def report_path(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def figures_path(self) -> Path:
        """The folder of figures."""
        return self.path / "figures"

    @property
    def evidence_path(self) -> Path:
        """The folder of what a study found out about the design's decisions."""
        return self.path / "evidence"

    def export_path(self, format_name: str) -> Path:
        """Where an export of that format ("onnx", "keras", "h5") goes."""
        if format_name == "h5" and self.design.name == "custom_cnn":
            return self.path / "fashion_mnist_cnn_custom.h5"
        return self.path / f"model.{format_name}"

    # ── What is in them ───────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def record(self) -> RunRecord:
        """run.json."""
        return read(self.path / "run.json", RunRecord.model_validate_json)

    @cached_property
    def design(self) -> Design:
        """design.toml."""
        path = self.path / "design.toml"
        if not path.exists():
            raise missing(path)
        return load_design(path)

    @cached_property
    def history(self) -> History:
        """history.csv."""
        path = self.path / "history.csv"
        return read(path, lambda raw: History.from_csv(raw.decode(), str(path)))

    @cached_property
    def measured(self) -> dict[str, Any] | None:
        """evaluation.json: accuracies and losses per split; None if the run was not evaluated."""
        path = self.path / "evaluation.json"
        if not path.exists():
            return None
        content = read(path, json.loads, _evaluate_again(path))
        if not isinstance(content, dict):
            raise RunError(f"{path} does not hold an evaluation. {_evaluate_again(path)}")
        return content

    @cached_property
    def evaluation(self) -> Evaluation | None:
        """The answers on the test split; None if it was not opened."""
        path = self.path / "predictions.safetensors"
        if not path.exists():
            return None
        arrays = read(path, load, _evaluate_again(path))
        try:
            return Evaluation(arrays["labels"], arrays["probabilities"], self.record.data.class_names)
        except KeyError as error:
            raise RunError(f"{path} lacks {error}. {_evaluate_again(path)}") from error

    @property
    def baseline(self) -> RunFolder | None:
        """The baseline's run, if one was trained beside this one."""
        folder = self.path / "baseline"
        return RunFolder(folder) if (folder / "run.json").exists() else None

    # ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def create_baseline(self, record: RunRecord, design: Design) -> RunFolder:
        """Make the folder of the baseline's run."""
        folder = RunFolder(self.path / "baseline")
        folder.begin(record, design)
        return folder

    def save_record(self, record: RunRecord) -> None:
        """Write run.json."""
        write_text(self.path / "run.json", record.model_dump_json(indent=2) + "\n")
        self._forget("record")

    def save_history(self, history: History) -> None:
        """Write history.csv."""
        write_text(self.path / "history.csv", history.to_csv())
        self._forget("history")

    def save_evaluation(self, evaluation: Evaluation, measured: dict[str, Any]) -> None:
        """Write predictions.safetensors, then evaluation.json."""
        arrays = {
            "labels": evaluation.labels,
            "probabilities": np.ascontiguousarray(evaluation.probabilities),
        }
        write_bytes(self.path / "predictions.safetensors", save(arrays))
        write_text(self.path / "evaluation.json", json.dumps(measured, indent=2, ensure_ascii=False) + "\n")
        self._forget("evaluation", "measured")

    def drop_results(self) -> None:
        """Remove what was made of weights that training changes: evaluation, exports, report, figures.

        Figures are known by their names: `FIGURES_OF_WEIGHTS`, as SVG or PNG, in figures/ and in the folders of single
        pictures within. Whatever else lies there stays.

        Raises:
            MuslinError: a file can't be removed.
        """
        names = ("evaluation.json", "predictions.safetensors", "report.html")
        exports = (self.export_path(to) for to in ("onnx", "keras", "h5"))
        for path in (*(self.path / name for name in names), *exports, *self._figures_of_weights()):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                reason = f"{error.strerror}. Is the folder yours to write to?"
                raise MuslinError(f"{path} can't be removed: {reason}") from error
        self._forget("evaluation", "measured")

    def _figures_of_weights(self) -> list[Path]:
        there = [path for form in ("*", "*/*") for path in self.figures_path.glob(form)]
        return [path for path in there if path.stem in FIGURES_OF_WEIGHTS and path.suffix in (".svg", ".png")]

    def at_work(self) -> AbstractContextManager[None]:
        """Hold the run's lock; what writers that died left behind is cleared away.

        Raises:
            RunError: another process is at work on the run.
        """
        return at_work(self.path)

    def _forget(self, *names: str) -> None:
        for name in names:
            self.__dict__.pop(name, None)


def list_runs(parent: Path = RUNS) -> tuple[RunFolder, ...]:
    """The runs under `parent`, in the order in which they began, oldest first; before them those that can't be read.

    Folders are named after a second of local time, so their names alone neither tell apart two runs of one second nor
    survive the hour in autumn that comes twice.
    """
    return tuple(sorted(runs_by_name(parent).values(), key=_began))


def runs_by_name(parent: Path = RUNS) -> dict[str, RunFolder]:
    """The runs under `parent`, in no order: nothing is read but which folders there are."""
    if not parent.is_dir():
        return {}
    return {
        path.parent.name: RunFolder(path.parent) for path in parent.glob("*/run.json") if not path.parent.is_symlink()
    }


def _began(folder: RunFolder) -> tuple[float, str]:
    try:
        return folder.record.created.timestamp(), folder.name
    except MuslinError:
        return float("-inf"), folder.name


def _evaluate_again(path: Path) -> str:
    return f"Delete it and run `muslin evaluate {shlex.quote(str(path.parent))}` again."


def _point_latest(parent: Path, folder: Path) -> None:
    beside = parent / f".{LATEST}-{os.getpid()}-________.torn"
    with contextlib.suppress(OSError):  # a file system without links: "latest" is a convenience
        beside.unlink(missing_ok=True)
        beside.symlink_to(folder.name, target_is_directory=True)
        beside.replace(parent / LATEST)
