"""`muslin.list`: the designs, recipes, runs and studies that there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from muslin._words import count, percent
from muslin.ablation.justification import STUDIES
from muslin.analysis import analyze
from muslin.design import library, load_design
from muslin.errors import MuslinError
from muslin.recipe import load_recipe, recipes
from muslin.runs.folder import RUNS, RunFolder, list_runs


@dataclass(frozen=True)
class ListedDesign:
    """A design of the library.

    Attributes:
        macs: multiply-accumulate operations per image.
    """

    name: str
    title: str
    parameters: int
    macs: int


@dataclass(frozen=True)
class ListedRecipe:
    """A recipe of the library.

    Attributes:
        epochs: largest number of epochs.
    """

    name: str
    epochs: int
    because: str


@dataclass(frozen=True)
class ListedRun:
    """A run; None for what it has not got to, or what cannot be read.

    Attributes:
        end: "finished", "early", "interrupted" or "diverged".
        test_accuracy: accuracy on the test split, 0–1, if it was opened.
    """

    name: str
    path: str
    design: str | None = None
    recipe: str | None = None
    seed: int | None = None
    end: str | None = None
    test_accuracy: float | None = None
    damaged: str | None = None


@dataclass(frozen=True)
class ListedStudy:
    """A study.

    Attributes:
        path: its folder.
    """

    name: str
    path: str


@dataclass(frozen=True)
class Catalog:
    """What there is to work with: the library, and the runs and studies below a folder, the newest last."""

    designs: tuple[ListedDesign, ...]
    recipes: tuple[ListedRecipe, ...]
    runs: tuple[ListedRun, ...]
    studies: tuple[ListedStudy, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the catalog as plain values, ready for JSON."""
        return asdict(self)

    def __repr__(self) -> str:
        return (
            f"Catalog({count(len(self.designs), 'design')}, {count(len(self.recipes), 'recipe')}, "
            f"{count(len(self.runs), 'run')}, {count(len(self.studies), 'study', 'studies')})"
        )

    def __str__(self) -> str:
        parts = {
            "Designs": [f"{each.name}: {each.parameters:,} parameters, {each.macs:,} MACs" for each in self.designs],
            "Recipes": [f"{each.name}: {count(each.epochs, 'epoch')}" for each in self.recipes],
            "Runs": [f"{each.name}: {describe_run(each)}" for each in self.runs],
            "Studies": [each.name for each in self.studies],
        }
        return "\n".join(line for head, rows in parts.items() for line in (head, *(f"  {row}" for row in rows)))


def list(*, runs: str | Path = RUNS, studies: str | Path = STUDIES) -> Catalog:  # noqa: A001  (the verb's name)
    """List the library's designs and recipes, and the runs and studies on this machine.

    Args:
        runs: folder of runs (default "runs").
        studies: folder of studies (default "studies").
    """
    return Catalog(
        tuple(map(_design, library())),
        tuple(map(_recipe, recipes())),
        tuple(_run(each) for each in list_runs(Path(runs))),
        tuple(_studies(Path(studies))),
    )


def describe_run(run: ListedRun) -> str:
    """Return how far a run has got, in words."""
    if run.damaged:
        return "cannot be read"
    if run.test_accuracy is not None:
        return f"test accuracy {percent(run.test_accuracy, 2)}"
    return {None: "in training, or killed", "finished": "trained", "early": "trained"}.get(run.end, run.end or "")


def _design(name: str) -> ListedDesign:
    analysis = analyze(load_design(name))
    return ListedDesign(name, analysis.title, analysis.parameters, analysis.macs)


def _recipe(name: str) -> ListedRecipe:
    recipe = load_recipe(name)
    return ListedRecipe(name, recipe.epochs, " ".join(recipe.because.split()))


def _run(folder: RunFolder) -> ListedRun:
    try:
        record, evaluation = folder.record, folder.evaluation
    except MuslinError as error:
        return ListedRun(folder.name, str(folder.path), damaged=str(error))
    return ListedRun(
        folder.name,
        str(folder.path),
        record.design,
        record.recipe.name,
        record.seed,
        record.outcome.end if record.outcome else None,
        evaluation.accuracy if evaluation else None,
    )


def _studies(parent: Path) -> Iterator[ListedStudy]:
    from muslin.trials.store import FILE  # noqa: PLC0415  (SQLite: not needed by those who import the module)

    return (ListedStudy(path.parent.name, str(path.parent)) for path in sorted(parent.glob(f"*/{FILE}")))
