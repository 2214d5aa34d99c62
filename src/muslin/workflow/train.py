"""Trainings that end up in a run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from muslin.data import Dataset
from muslin.design import Design, format_design, load_design
from muslin.engine.machine import environment, pick_device, pick_precision
from muslin.errors import DivergedError
from muslin.evaluation.claims import require_measurable
from muslin.exports import export
from muslin.recipe import Recipe, load_recipe
from muslin.runs.folder import RUNS, RunFolder
from muslin.runs.record import DataRecord, Environment, RunRecord
from muslin.training.callbacks import Callback
from muslin.training.checkpoint import Checkpoints
from muslin.training.fit import check_fit, fit
from muslin.training.history import Epoch
from muslin.training.loop import Training
from muslin.training.outcome import Fitted
from muslin.training.snapshot import Identity, require_same
from muslin.workflow.trained_run import Run


def train(  # noqa: PLR0913  (each says one thing, and most calls give two of them)
    design: Design | str | Path,
    data: Dataset,
    recipe: Recipe | str | Path = "fast",
    *,
    seed: int = 0,
    out: str | Path = RUNS,
    device: str | None = None,
    precision: str | None = None,
    callbacks: Sequence[Callback] = (),
    resume: str | Path | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> Run:
    """Train a design and keep the result in a new run folder, or go on with one that was interrupted.

    Args:
        design: a design, the name of one in the library, or a TOML file.
        data: the images; the test split is not looked at.
        recipe: a recipe, the name of one in the library, or a TOML file.
        seed: of initial weights, order, augmentation and dropout.
        out: the folder that the run folder is made in.
        device: "cpu", "cuda", "mps", …; the best there is by default.
        precision: "float32" or "bfloat16"; by default bfloat16 where the hardware multiplies it natively.
        callbacks: called after the recipe's own.
        resume: a run that was interrupted, however: its folder, or "latest". Design, data, recipe and seed must be what
            it began with; it ends with the same bits as if it had never been stopped.
        say: told what a person should know, such as that a damaged checkpoint was passed over.

    Raises:
        DesignError, RecipeError: the design or recipe can't be read, or doesn't fit the data.
        DivergedError: a loss, gradient or weight stopped being finite; the last good weights, if there are any, are in
            the run folder.
        RunError: the run to resume began with something else, its checkpoints are damaged, or another process is at
            work on it.
    """
    if not isinstance(design, Design):
        design = load_design(design)
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe)
    check_fit(design, data, recipe)
    require_measurable(design)
    pick_precision(pick_device(device), precision)
    record = new_record(design, data, recipe, seed)
    if resume is None:
        folder = RunFolder.create(record, design, Path(out))
    else:
        folder = RunFolder.open(resume)
        require_same_start(folder, record, design)
    return train_into(folder, data, device=device, precision=precision, callbacks=callbacks, say=say)


def train_into(
    folder: RunFolder,
    data: Dataset,
    *,
    device: str | None = None,
    precision: str | None = None,
    callbacks: Sequence[Callback] = (),
    say: Callable[[str], None] = lambda _text: None,
) -> Run:
    """Train what a run folder describes: from the beginning, from its newest checkpoint, or not at all if it is done.

    Raises:
        DivergedError: as `train`.
        RunError: the checkpoints are damaged, or another process is at work on the run.
    """
    with folder.at_work():
        record = folder.record
        if record.outcome is not None and record.outcome.end == "diverged":
            raise DivergedError(
                f"the run {folder.name} diverged, and would again: {record.outcome.reason} Begin a new run."
            )
        if is_trained(folder):
            drop_leftovers(folder)
            say(f"{folder.design.name} is trained already: {record.outcome and record.outcome.reason}.")
            return Run(folder)
        checkpoints = Checkpoints(folder.checkpoints_path, resume=True, say=say)
        if checkpoints.generations() and record.environment != Environment(**environment()):
            say("This machine or its software isn't what the run began on: it goes on, but other bits may come out.")
        fitted = fit(
            folder.design,
            data,
            record.recipe,
            seed=record.seed,
            device=device,
            precision=precision,
            callbacks=[_KeepUpToDate(folder), *callbacks],
            checkpoints=checkpoints,
        )
        _keep(folder, fitted)
        if fitted.outcome.end == "diverged":
            raise DivergedError(f"{fitted.outcome.reason} The run is in {folder.path}.")
        return Run(folder)


def drop_leftovers(folder: RunFolder) -> None:
    """Remove the checkpoints of a trained run: whoever trained it was killed before it could do so."""
    Checkpoints(folder.checkpoints_path).drop()


def is_trained(folder: RunFolder) -> bool:
    """Whether training came to its end, and there is nothing to go on with."""
    outcome = folder.record.outcome
    return outcome is not None and outcome.end in ("finished", "early")


def require_same_start(folder: RunFolder, record: RunRecord, design: Design) -> None:
    """See that a run began with this design, recipe, data and seed.

    Raises:
        RunError: it didn't; the message shows the difference.
    """
    require_same(_start(folder.record, folder.design), _start(record, design))


def _start(record: RunRecord, design: Design) -> Identity:
    recipe = record.recipe.model_dump(mode="json")
    fingerprint = record.data.fingerprint
    return Identity(design=format_design(design), recipe=recipe, data=fingerprint, seed=record.seed)


def new_record(design: Design, data: Dataset, recipe: Recipe, seed: int) -> RunRecord:
    """What is known of a run before it is trained."""
    return RunRecord(
        created=datetime.now().astimezone(),
        design=design.name,
        recipe=recipe,
        seed=seed,
        data=DataRecord(
            source=data.source,
            sample=data.audit.train_release == "sample",
            fingerprint=data.fingerprint,
            input_shape=data.input_shape,
            class_names=data.class_names,
            audit=data.audit,
        ),
        environment=Environment(**environment()),
    )


class _KeepUpToDate(Callback):
    """Removes the results of earlier weights with the first step, and writes history.csv after every epoch.

    Not before: a checkpoint may be refused, or a callback fail, and then the weights are still those of the results.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.goes_on = False

    def on_step(self, training: Training) -> None:
        if not self.goes_on:
            self.folder.drop_results()
            self.goes_on = True

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        self.folder.save_history(training.history)


def _keep(folder: RunFolder, fitted: Fitted) -> None:
    folder.drop_results()
    if fitted.usable:
        weights = {
            name: np.ascontiguousarray(array.detach().cpu().contiguous().numpy())
            for name, array in fitted.network.state_dict().items()
        }
        names = folder.record.data.class_names
        export(folder.design, weights, folder.weights_path, "safetensors", class_names=names)
    folder.save_history(fitted.history)
    folder.save_record(folder.record.model_copy(update={"outcome": fitted.outcome}))
    if is_trained(folder):
        Checkpoints(folder.checkpoints_path).drop()
