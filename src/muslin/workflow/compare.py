"""`muslin.compare`: runs side by side."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muslin._display import panel, paragraph, table
from muslin._words import count, duration, percent
from muslin.analysis import analyze
from muslin.errors import MuslinError, RunError
from muslin.runs.folder import RUNS, RunFolder, list_runs
from muslin.workflow.inputs import open_run

if TYPE_CHECKING:
    from muslin.evaluation import Improvement
    from muslin.workflow.trained_run import Run


@dataclass(frozen=True)
class ComparedRun:
    """One run of a comparison; None for what it has not got to.

    Attributes:
        run: name of the run folder.
        data: fingerprint of the data.
        macs: multiply-accumulate operations per image.
        seconds: training time.
        validation_accuracy: accuracy on the validation split with the weights that were kept, 0–1.
        test_accuracy: accuracy on the test split, 0–1, if it was opened.
    """

    run: str
    design: str
    recipe: str
    seed: int
    data: str
    parameters: int
    macs: int
    epochs: int | None
    seconds: float | None
    validation_accuracy: float | None
    test_accuracy: float | None


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        runs: one row per run, in the order given.
        left_out: why runs were left out, a sentence each.
        improvement: accuracy of the first run minus the second's on the same test images, where there are two runs and
            the test split was opened for both; otherwise None.
    """

    runs: tuple[ComparedRun, ...]
    left_out: tuple[str, ...] = ()
    improvement: Improvement | None = None

    @property
    def same_data(self) -> bool:
        """Whether all runs were trained on the same images; otherwise their accuracies do not compare."""
        return len({row.data for row in self.runs}) == 1

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the rows as plain values, ready for JSON."""
        return [asdict(row) for row in self.runs]

    def __str__(self) -> str:
        rows = [
            f"{row.run}: {row.parameters:,} parameters, validation accuracy {_shown(row.validation_accuracy)}, "
            f"test accuracy {_shown(row.test_accuracy)}"
            for row in self.runs
        ]
        return "\n".join([*rows, *([f"Test accuracy: {self.improvement}"] if self.improvement else [])])

    def _repr_html_(self) -> str:
        rows = [
            (
                row.run,
                row.recipe,
                f"{row.parameters:,}",
                f"{row.macs:,}",
                "–" if row.seconds is None else duration(row.seconds),
                _shown(row.validation_accuracy),
                _shown(row.test_accuracy),
            )
            for row in self.runs
        ]
        heads = ("run", "recipe", "parameters", "MACs", "time", "validation accuracy", "test accuracy")
        return panel(
            "Comparison",
            count(len(self.runs), "run"),
            table(heads, rows, text=(0, 1)),
            paragraph(
                f"Test accuracy of the first run against the second: {self.improvement}" if self.improvement else ""
            ),
            paragraph(
                "" if self.same_data else "The runs were trained on different images: do not compare accuracies."
            ),
            paragraph(" ".join(self.left_out)),
        )

    def __repr__(self) -> str:
        difference = f", {self.improvement}" if self.improvement else ""
        return f"Comparison({count(len(self.runs), 'run')}{difference})"


def compare(*runs: Run | RunFolder | str | Path) -> Comparison:
    """Put runs side by side.

    Choose by validation accuracy. Test accuracies stand beside it where the test split was opened.

    Args:
        runs: runs, their folders, or "latest" (default: all under runs/).

    Raises:
        RunError: there are no runs, or none of them can be read.
    """
    places = list(runs) or [str(folder.path) for folder in list_runs()]
    if not places:
        raise RunError(f"no runs yet in {RUNS.resolve()}. Start with `muslin run --sample`.")
    folders, rows, left_out = [], [], []
    for place in places:
        try:
            folder = open_run(place)
            rows.append(_row(folder))
            folders.append(folder)
        except MuslinError as error:
            left_out.append(error)
    if not rows:
        raise left_out[0]
    return Comparison(tuple(rows), tuple(map(str, left_out)), _improvement(folders))


def _improvement(folders: list[RunFolder]) -> Improvement | None:
    if len(folders) != 2:
        return None
    first, second = (folder.evaluation for folder in folders)
    if first is None or second is None or folders[0].record.data.fingerprint != folders[1].record.data.fingerprint:
        return None
    from muslin.evaluation import compare as compared  # noqa: PLC0415  (SciPy: only where there is something to test)

    return compared(first, second)


def _row(folder: RunFolder) -> ComparedRun:
    record, analysis, outcome = folder.record, analyze(folder.design), folder.record.outcome
    kept = folder.history.kept(outcome.restored_epoch) if outcome is not None and len(folder.history) else None
    return ComparedRun(
        run=folder.name,
        design=record.design,
        recipe=record.recipe.name,
        seed=record.seed,
        data=record.data.fingerprint,
        parameters=analysis.parameters,
        macs=analysis.macs,
        epochs=outcome.epochs if outcome else None,
        seconds=outcome.seconds if outcome else None,
        validation_accuracy=kept.validation_accuracy if kept else None,
        test_accuracy=folder.evaluation.accuracy if folder.evaluation else None,
    )


def _shown(accuracy: float | None) -> str:
    return "–" if accuracy is None else percent(accuracy, 2)
