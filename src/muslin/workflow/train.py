"""`muslin.train`: train a design and keep the result in a run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from muslin.data import Dataset, ReadingOptions
from muslin.design import Design
from muslin.engine.machine import pick_device
from muslin.recipe import Recipe
from muslin.runs.folder import RUNS
from muslin.training.callbacks import Callback
from muslin.training.fit import prepare
from muslin.workflow.inputs import Named, fit_to, images_for, open_design, open_recipe, open_run
from muslin.workflow.observer import Watched, observer_of
from muslin.workflow.run_training import begin_or_resume, settle, train_into
from muslin.workflow.trained_run import Run


def train(  # noqa: PLR0913  (the command's options)
    design: Design | str | Path | None = None,
    data: Dataset | str | Path | None = None,
    recipe: Recipe | str | Path | None = None,
    *,
    sample: bool = False,
    classes: str | Path | Sequence[str] | None = None,
    allow_leak: bool = False,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    flip: bool | None = None,
    overrides: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    out: str | Path = RUNS,
    resume: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    progress: Watched = None,
    **reading: Unpack[ReadingOptions],
) -> Run:
    """Train a design and keep the result in a new run folder, or resume an interrupted run.

    The test split stays closed; `muslin.evaluate` opens it.

    Args:
        design: a design, a name from the library, or a TOML file (default "custom_cnn").
        data: a data set, or a path that `muslin.load_data` reads (default: Fashion-MNIST where it is found).
        recipe: a recipe, a name from the library, or a TOML file (default "fast").
        sample: whether to use the 2,500 images that ship with Muslin.
        classes: names of the classes: a sequence, "a,b,c", or a text file with one per line.
        allow_leak: whether to continue although training and test files share images.
        epochs: largest number of epochs (default: the recipe's; on the sample more, so that it trains to the end).
        batch_size: images per step (default: the recipe's).
        learning_rate: learning rate of the optimizer (default: the recipe's).
        flip: whether images are mirrored while training (default: as the recipe says).
        overrides: values of other recipe fields by name, such as ``{"optimizer.momentum": 0.9}``.
        seed: seed of the initial weights, the order of images, augmentation and dropout (default 0).
        device: "cpu", "cuda" or "mps" (default: the fastest available).
        precision: "float32" or "bfloat16" (default: bfloat16 where the hardware multiplies it natively).
        out: folder in which the run folder is made (default "runs").
        resume: an interrupted run to resume: its folder, or "latest". Its own design, recipe, data and seed are the
            defaults, and the only values that are accepted. It ends with the same bits as a run that was never stopped.
        callbacks: callbacks that are called after the recipe's own.
        progress: whether to show progress (default: in a terminal and in a notebook), or an `Observer`.
        **reading: how the files are read, as in `muslin.load_data`: ``size="48x48"``, ``test_fraction=0.15`` and so on.

    Returns:
        The trained run. Its `record.outcome.end` is "interrupted" if Ctrl-C or SIGTERM ended training.

    Raises:
        DesignError, RecipeError: the design or recipe cannot be read, or does not fit the data.
        DataError: the data cannot be read.
        DivergedError: a loss, gradient or weight is no longer finite; the run folder keeps the last good weights.
        RunError: the run to resume was started with something else, its checkpoints are damaged, or another process
            has locked it.
    """
    observer = observer_of(progress)
    folder = open_run(resume) if resume is not None else None
    named_design, design = design, open_design(design, folder.design if folder else None)
    chosen = open_recipe(
        recipe,
        folder.record.recipe if folder else None,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        flip=flip,
        overrides=overrides,
    )
    pick_device(device)  # raises before images are read
    named = Named(data, sample=sample, classes=classes, allow_leak=allow_leak, reading=reading)
    images = images_for(folder, named, observer)
    design = design if folder else fit_to(design, images, named_design, observer)
    free = not (folder or isinstance(recipe, Recipe) or epochs or "epochs" in (overrides or {}))
    chosen = settle(chosen, images, observer, free_epochs=free)
    prepared = prepare(design, images, chosen, device=device, precision=precision)
    folder = begin_or_resume(folder, prepared, seed, Path(out))
    return train_into(
        folder,
        prepared,
        callbacks=[*callbacks, *observer.training(design.name)],
        say=observer.note,
    )
