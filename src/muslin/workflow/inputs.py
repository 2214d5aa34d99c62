"""From what a person names (a path, a name from the library, an override) to designs, recipes, data and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from muslin._words import count
from muslin.data import Dataset, ReadingOptions, load_data
from muslin.design import Design, describe_shape, library, load_design
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


def fit_to(design: Design, images: Dataset, chosen: Design | str | Path | None, observer: Observer) -> Design:
    """Return a design of the library fitted to images of another shape or number of classes, and say so.

    A fitted design makes no claims, since those are about the images that it was designed for. A design of the user's
    own is returned as it is; training refuses it if it does not fit.

    Args:
        design: design as it was opened.
        images: images to train on.
        chosen: what the user named: a library name, or None for the default.
        observer: hears what was changed.

    Raises:
        DesignError: a layer does not fit the images.
    """
    shape, classes = images.input_shape, images.classes
    shipped = chosen is None or (isinstance(chosen, str) and chosen in library())
    if not shipped or (design.input_shape, design.classes) == (shape, classes):
        return design
    suits = f"{describe_shape(shape)} images in {count(classes, 'class', 'classes')}"
    name = f"{design.name}_fitted"
    observer.note(f"Fitting {design.name} to {suits}, as {name}. `muslin new` starts a design of your own.")
    fitted = design.fitted_to(shape, classes)
    return fitted.model_copy(update={"name": name, "title": f"{design.title}, fitted to {suits}", "claims": ()})


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


@dataclass(frozen=True)
class Named:
    """The images that a person named, as the options of every verb that reads data say it.

    Attributes:
        data: a data set, or a path that `muslin.load_data` reads; None for those that are found.
        sample: whether the sample is meant.
        classes: names of the classes, or None.
        allow_leak: whether training and test files may share images.
        reading: how the files are read.
    """

    data: Dataset | str | Path | None = None
    sample: bool = False
    classes: str | Path | Sequence[str] | None = None
    allow_leak: bool = False
    reading: ReadingOptions = field(default_factory=ReadingOptions)

    @property
    def asked(self) -> dict[str, Any]:
        """The options of reading that have a value."""
        return {name: value for name, value in self.reading.items() if value is not None}


def open_data(named: Named, observer: Observer, *, download: bool = True) -> Dataset:
    """Return the images: the data set itself, those at a path, the sample, or Fashion-MNIST; say how they were read.

    Raises:
        DataError: there are none, or they are damaged; or options are given beside a data set that is loaded already.
        LeakError: training and test files share images.
    """
    if isinstance(named.data, Dataset):
        if named.sample or named.classes is not None or named.allow_leak or named.asked:
            raise DataError("a loaded data set takes no options of reading such as `sample`: pass them to load_data.")
        return named.data
    with observer.fetching() as progress:
        dataset = load_data(
            named.data,
            sample=named.sample,
            classes=named.classes,
            allow_leak=named.allow_leak,
            download=download,
            progress=progress,
            **named.reading,
        )
    for note in dataset.notes:
        observer.note(f"Data: {note}.")
    return dataset


def data_of_run(folder: RunFolder, named: Named, observer: Observer, *, download: bool = True) -> Dataset:
    """Return the images of an existing run: those that are named or, if none are, those that it was trained on.

    Files are read as the run's were, unless `named` says otherwise; the range of pixels is always that of its training
    images.

    Raises:
        DataError, LeakError: as `open_data`.
    """
    if isinstance(named.data, Dataset):
        return open_data(named, observer)
    record = folder.record.data
    named = replace(named, reading=cast("ReadingOptions", {**record.as_read(), **named.asked}))
    if named.data is None and not named.sample:
        place = record.source.given
        sample = record.sample and place is None
        named = replace(
            named,
            # The official files lie in other places, too.
            data=None if place is not None and record.audit.verified and not place.exists() else place,
            sample=sample,
            allow_leak=named.allow_leak or record.audit.leak_allowed,
            classes=record.class_names if named.classes is None and not sample else named.classes,
        )
    return open_data(named, observer, download=download)


def images_for(folder: RunFolder | None, named: Named, observer: Observer) -> Dataset:
    """Return the images for a training: those of the run that is resumed if none are named."""
    return open_data(named, observer) if folder is None else data_of_run(folder, named, observer)
