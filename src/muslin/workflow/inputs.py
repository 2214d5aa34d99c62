"""From what a person names (a path, a name from the library, an override) to designs, recipes, data and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muslin.data import Dataset, load_data
from muslin.design import Design, load_design
from muslin.errors import DataError, RecipeError
from muslin.recipe import Recipe, load_recipe
from muslin.runs.folder import RunFolder
from muslin.workflow.observer import Observer

if TYPE_CHECKING:
    from muslin.workflow.trained_run import Run

DESIGN = "custom_cnn"
RECIPE = "fast"


def open_design(design: Design | str | Path | None, own: Design | None = None) -> Design:
    """Return a design: itself, one from the library or a TOML file; None gives `own`, or else custom_cnn."""
    if design is None:
        return own or load_design(DESIGN)
    return design if isinstance(design, Design) else load_design(design)


def open_recipe(
    recipe: Recipe | str | Path | None,
    own: Recipe | None = None,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    flip: bool | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Recipe:
    """Return a recipe with the options of training applied.

    Args:
        recipe: a recipe, a name from the library or a TOML file; None gives `own`, or else "fast".
        own: the recipe of the run or study that is resumed.
        epochs: largest number of epochs, in place of the recipe's.
        batch_size: images per step, in place of the recipe's.
        learning_rate: learning rate of the optimizer, in place of the recipe's.
        flip: whether images are mirrored, in place of what the recipe says.
        overrides: values for any other fields, by name: ``{"optimizer.learning_rate": 0.02}``.

    Raises:
        RecipeError: the recipe cannot be read, a field is unknown or a value out of range, or a field is given twice.
    """
    if recipe is None:
        recipe = own or RECIPE
    chosen = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    common = {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer.learning_rate": learning_rate,
        "augmentation.flip": flip,
    }
    changes = {name: value for name, value in common.items() if value is not None}
    twice = sorted(changes.keys() & (overrides or {}).keys())
    if twice:
        raise RecipeError(f"recipe '{chosen.name}': the field '{twice[0]}' is given twice. Give it once.")
    changes |= overrides or {}
    return chosen.with_(**changes) if changes else chosen


def open_run(run: Run | RunFolder | str | Path) -> RunFolder:
    """Return the folder of a run: of the run itself, at a path, or the newest one for "latest".

    Raises:
        RunError: there is no such run.
    """
    if isinstance(run, RunFolder):
        return run
    return RunFolder.open(run) if isinstance(run, str | Path) else run.folder


def open_data(
    data: Dataset | str | Path | None,
    *,
    sample: bool,
    classes: str | Path | Sequence[str] | None,
    allow_leak: bool,
    observer: Observer,
    download: bool = True,
) -> Dataset:
    """Return the images: the data set itself, those at a path, the sample, or Fashion-MNIST.

    Raises:
        DataError: there are none, or they are damaged; or options are given beside a data set that is loaded already.
        LeakError: training and test files share images.
    """
    if isinstance(data, Dataset):
        if sample or classes is not None or allow_leak:
            raise DataError("a loaded data set takes no `sample`, `classes` or `allow_leak`: pass them to load_data.")
        return data
    with observer.fetching() as progress:
        return load_data(
            data,
            sample=sample,
            classes=classes,
            allow_leak=allow_leak,
            download=download,
            progress=progress,
        )


def data_of_run(
    folder: RunFolder,
    data: Dataset | str | Path | None,
    *,
    sample: bool,
    classes: str | Path | Sequence[str] | None,
    allow_leak: bool,
    observer: Observer,
    download: bool = True,
) -> Dataset:
    """Return the images of an existing run: those that are named or, if none are, those that it was trained on.

    Raises:
        DataError, LeakError: as `open_data`.
    """
    record = folder.record.data
    if data is None and not sample:
        place = record.source.given
        sample = record.sample and place is None
        # The official files lie in other places, too.
        data = None if place is not None and record.audit.verified and not place.exists() else place
        allow_leak = allow_leak or record.audit.leak_allowed
        if classes is None and not sample:
            classes = record.class_names
    return open_data(data, sample=sample, classes=classes, allow_leak=allow_leak, observer=observer, download=download)


def images_for(
    folder: RunFolder | None,
    data: Dataset | str | Path | None,
    *,
    sample: bool,
    classes: str | Path | Sequence[str] | None,
    allow_leak: bool,
    observer: Observer,
) -> Dataset:
    """Return the images for a training: those of the run that is resumed if none are named."""
    if folder is not None:
        return data_of_run(folder, data, sample=sample, classes=classes, allow_leak=allow_leak, observer=observer)
    return open_data(data, sample=sample, classes=classes, allow_leak=allow_leak, observer=observer)
