"""Run folders: this module alone knows their layout.

runs/
latest                        link to the newest run
<time>-<design>-<recipe>-<seed>/
run.json                    recipe, seed, data, environment, outcome: everything needed to repeat the run
design.toml                 the design
history.csv                 training history, one line per epoch
model.safetensors           the weights
evaluation.json             metrics on the test split
predictions.safetensors     predicted probabilities on the test split, from which the metrics were computed
figures/                    *.svg and *.png
evidence/                   results of an ablation study of the design, if there is one
report.html
model.onnx, model.keras, …  exports
checkpoints/                during training: the complete state, for resuming
baseline/                   the same files for the baseline, if one was trained
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
from muslin.evaluation.corruptions import Robustness
from muslin.runs.files import FIGURES_OF_WEIGHTS, missing, read
from muslin.runs.record import RunRecord
from muslin.training.history import History

LATEST = "latest"
RUNS = Path("runs")


class RunFolder:
    """A run on disk. Files are validated when read, and written atomically.

    Args:
        path: path of the folder; `RunFolder.open` also accepts "latest".
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, record: RunRecord, design: Design, parent: Path = RUNS) -> RunFolder:
        """Create a run folder under `parent` and point `latest` to it.

        Raises:
            MuslinError: the folder cannot be created.
        """
        name = f"{record.created:%Y%m%d-%H%M%S}-{design.name}-{record.recipe.name}-{record.seed}"
        folder = cls(new_folder(parent, name, lambda place: cls(place).begin(record, design)))
        _point_latest(parent, folder.path)
        return folder

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open an existing run: a folder's path, or "latest" for the newest run under ``runs/``.

        Raises:
            RunError: the run does not exist.
        """
        place = _latest() if str(path) == LATEST and not Path(path).exists() else Path(path)
        folder = cls(place.resolve())
        if not folder.path.is_dir():
            if str(path) == LATEST:
                raise RunError(
                    f"no runs yet in {place.parent}. Start with `muslin run --sample`, or pass a run folder."
                )
            raise RunError(
                f"run folder '{path}' does not exist. Pass the path of a run folder, or 'latest' for the newest run."
            )
        _ = folder.record
        return folder

    def begin(self, record: RunRecord, design: Design) -> None:
        """Write design.toml and run.json before training starts."""
        write_text(self.path / "design.toml", format_design(design))
        self.save_record(record)

    # ── Paths ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def weights_path(self) -> Path:
        """Path of the weights."""
        return self.path / "model.safetensors"

    @property
    def checkpoints_path(self) -> Path:
        """Path of the checkpoints folder."""
        return self.path / "checkpoints"

    @property
    def report_path(self) -> Path:
        """Path of the report."""
        return self.path / "report.html"

    @property
    def figures_path(self) -> Path:
        """Path of the figures folder."""
        return self.path / "figures"

    @property
    def evidence_path(self) -> Path:
        """Path of the folder with the results of an ablation study of the design."""
        return self.path / "evidence"

    def export_path(self, format_name: str) -> Path:
        """Return the path of an export in the given format ("onnx", "keras" or "h5")."""
        if format_name == "h5" and self.design.name == "custom_cnn":
            return self.path / "fashion_mnist_cnn_custom.h5"
        return self.path / f"model.{format_name}"

    # ── Contents ──────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def record(self) -> RunRecord:
        """Content of run.json."""
        return read(self.path / "run.json", RunRecord.model_validate_json)

    @cached_property
    def design(self) -> Design:
        """Content of design.toml."""
        path = self.path / "design.toml"
        if not path.exists():
            raise missing(path)
        return load_design(path)

    @cached_property
    def history(self) -> History:
        """Content of history.csv."""
        path = self.path / "history.csv"
        return read(path, lambda raw: History.from_csv(raw.decode(), str(path)))

    @cached_property
    def measured(self) -> dict[str, Any] | None:
        """Content of evaluation.json, accuracies and losses per split; None if the run was not evaluated."""
        path = self.path / "evaluation.json"
        if not path.exists():
            return None
        content = read(path, json.loads, _evaluate_again(path))
        if not isinstance(content, dict):
            raise RunError(f"{path} does not contain an evaluation. {_evaluate_again(path)}")
        return content

    @property
    def robustness(self) -> Robustness | None:
        """Accuracy on corrupted test images; None if the run was not evaluated, or by Muslin 0.1."""
        found = (self.measured or {}).get("robustness")
        try:
            return Robustness.from_dict(found) if found else None
        except (KeyError, TypeError, ValueError) as error:
            path = self.path / "evaluation.json"
            raise RunError(f"{path} does not contain an evaluation. {_evaluate_again(path)}") from error

    @cached_property
    def evaluation(self) -> Evaluation | None:
        """Labels and predicted probabilities on the test split; None if the run was not evaluated on it."""
        path = self.path / "predictions.safetensors"
        if not path.exists():
            return None
        arrays = read(path, load, _evaluate_again(path))
        try:
            return Evaluation(arrays["labels"], arrays["probabilities"], self.record.data.class_names)
        except KeyError as error:
            raise RunError(f"{path} has no array {error}. {_evaluate_again(path)}") from error

    @property
    def baseline(self) -> RunFolder | None:
        """Run of the baseline; None if no baseline was trained."""
        folder = self.path / "baseline"
        return RunFolder(folder) if (folder / "run.json").exists() else None

    # ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def create_baseline(self, record: RunRecord, design: Design) -> RunFolder:
        """Create the folder of the baseline's run."""
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
        """Delete the files that depend on the weights: evaluation, exports, report, figures.

        Figures are recognized by name: `FIGURES_OF_WEIGHTS`, as SVG or PNG, in figures/ and in its subfolders for
        individual images. Other files are kept.

        Raises:
            MuslinError: a file cannot be deleted.
        """
        names = ("evaluation.json", "predictions.safetensors", "report.html")
        exports = (self.export_path(to) for to in ("onnx", "keras", "h5"))
        for path in (*(self.path / name for name in names), *exports, *self._figures_of_weights()):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                reason = f"{error.strerror}. Check that you may write to the folder."
                raise MuslinError(f"{path} cannot be deleted: {reason}") from error
        self._forget("evaluation", "measured")

    def _figures_of_weights(self) -> list[Path]:
        there = [path for form in ("*", "*/*") for path in self.figures_path.glob(form)]
        return [path for path in there if path.stem in FIGURES_OF_WEIGHTS and path.suffix in (".svg", ".png")]

    def at_work(self) -> AbstractContextManager[None]:
        """Return a context that holds the run's lock and deletes temporary files of terminated writers.

        Raises:
            RunError: another process has locked the run.
        """
        return at_work(self.path)

    def _forget(self, *names: str) -> None:
        for name in names:
            self.__dict__.pop(name, None)


def list_runs(parent: Path = RUNS) -> tuple[RunFolder, ...]:
    """Return the runs under `parent`, oldest first; unreadable runs come before the others.

    Sorted by start time, not by name: names contain the local time in seconds, which is ambiguous for two runs in the
    same second and for the hour repeated when daylight saving time ends.
    """
    return tuple(sorted(runs_by_name(parent).values(), key=_began))


def runs_by_name(parent: Path = RUNS) -> dict[str, RunFolder]:
    """Return the runs under `parent` by name, in no particular order; no files are read."""
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
    return f"Delete it and rerun `muslin evaluate {shlex.quote(str(path.parent))}`."


def _latest() -> Path:
    """What ``runs/latest`` points at; where the file system has no links, the run that began last."""
    link = RUNS / LATEST
    runs = () if link.exists() or link.is_symlink() else list_runs(RUNS)
    return runs[-1].path if runs else link


def _point_latest(parent: Path, folder: Path) -> None:
    beside = parent / f".{LATEST}-{os.getpid()}-________.torn"
    with contextlib.suppress(OSError):  # file systems without links: "latest" is only a convenience
        beside.unlink(missing_ok=True)
        beside.symlink_to(folder.name, target_is_directory=True)
        beside.replace(parent / LATEST)
