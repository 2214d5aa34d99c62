"""Training into a run folder: the steps that `muslin.train` and `muslin.run` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from muslin._words import count
from muslin.data import Dataset
from muslin.design import Design, format_design
from muslin.engine.machine import environment
from muslin.errors import DivergedError
from muslin.evaluation.claims import require_measurable
from muslin.exports import export
from muslin.recipe import FEW_STEPS, Recipe
from muslin.runs.folder import RunFolder
from muslin.runs.record import DataRecord, Environment, RunRecord
from muslin.training.callbacks import Callback
from muslin.training.checkpoint import Checkpoints
from muslin.training.fit import Prepared
from muslin.training.history import Epoch
from muslin.training.outcome import Fitted
from muslin.training.snapshot import require_same
from muslin.training.state import Identity, Training
from muslin.workflow.observer import Observer
from muslin.workflow.trained_run import Run

# Steps after which custom_cnn beats dense_baseline on the sample: with 20 epochs of `fast` by 1.4 and 2.4 points (two
# seeds; `muslin run --sample --epochs 20 --seed S`).
LEAST_STEPS = 280


def begin_or_resume(folder: RunFolder | None, prepared: Prepared, seed: int | None, out: Path) -> RunFolder:
    """Return the run folder for a prepared training: a new one, or the one to resume.

    Args:
        folder: run to resume; None starts a new one.
        prepared: training to run.
        seed: seed of the run (default: the seed of the run to resume, otherwise 0).
        out: folder in which a new run folder is created.

    Raises:
        DesignError: a claim of the design names a measure that does not exist.
        RunError: the run to resume was started with other settings.
    """
    design = prepared.design
    require_measurable(design)
    if seed is None:
        seed = folder.record.seed if folder else 0
    record = new_record(design, prepared.data, prepared.recipe, seed)
    if folder is None:
        return RunFolder.create(record, design, out)
    require_same_start(folder, record, design)
    return folder


def settle(recipe: Recipe, data: Dataset, observer: Observer, *, free_epochs: bool) -> Recipe:
    """Return the recipe as it suits the images, and say what was decided and why.

    Args:
        recipe: recipe as it was chosen.
        data: images to train on.
        observer: hears the reasons.
        free_epochs: whether the number of epochs may grow for a small data set: recipes need steps, not epochs.
    """
    observer.note(f"{len(data.train):,} training images from {data.source}")
    settled = recipe.settled(mirror=data.audit.is_fashion)
    observer.note(_augmentation_note(recipe, settled))
    return _long_enough(settled, data, observer) if free_epochs else _warned(settled, data, observer)


def _augmentation_note(recipe: Recipe, settled: Recipe) -> str:
    how = settled.augmentation
    parts = ["mirroring"] * bool(how.flip) + [f"shifts by up to {count(how.shift, 'pixel')}"] * bool(how.shift)
    what = f"Augmentation: {' and '.join(parts) or 'none'}"
    if recipe.augmentation.flip != "auto":
        return f"{what}, as the recipe says."
    if how.flip:
        return f"{what}. Mirroring is on because these are images of Fashion-MNIST; `flip=False` turns it off."
    return (
        f"{what}. Mirroring is off because left and right may make a difference in these images; `flip=True` turns it "
        "on."
    )


def _long_enough(recipe: Recipe, data: Dataset, observer: Observer) -> Recipe:
    """Return a recipe with enough epochs for a small data set, with which most recipes would hardly train at all."""
    each = recipe.steps(len(data.train))
    if recipe.epochs * each >= LEAST_STEPS:
        return recipe
    epochs = -(-LEAST_STEPS // each)
    observer.note(
        f"{len(data.train):,} training images are few: training for {count(epochs, 'epoch')} instead of "
        f"{recipe.epochs}. Change it with `epochs=`."
    )
    return recipe.with_(epochs=epochs)


def _warned(recipe: Recipe, data: Dataset, observer: Observer) -> Recipe:
    """Warn where a recipe made for large data sets will hardly train at all."""
    each = recipe.steps(len(data.train))
    steps = recipe.epochs * each
    if steps < FEW_STEPS:
        enough = -(-FEW_STEPS // each)
        observer.note(
            f"Few images: with {len(data.train):,} training images, recipe '{recipe.name}' takes only "
            f"{count(steps, 'step')} in {count(recipe.epochs, 'epoch')}, and the network may be undertrained. "
            f"`epochs={enough}` gives {count(each * enough, 'step')}."
        )
    return recipe


def train_into(
    folder: RunFolder,
    prepared: Prepared,
    *,
    callbacks: Sequence[Callback] = (),
    say: Callable[[str], None] = lambda _text: None,
) -> Run:
    """Train the network of a run folder from the start or from the newest checkpoint, unless it is trained already.

    Args:
        folder: run folder.
        prepared: training to run.
        callbacks: additional callbacks (default none).
        say: function that receives notes (default: discard them).

    Raises:
        DivergedError: training diverged, now or before.
        RunError: the checkpoints are damaged, or another process has locked the run.
    """
    with folder.at_work():
        record = folder.record
        if record.outcome is not None and record.outcome.end == "diverged":
            raise DivergedError(
                f"run {folder.name} diverged; resuming would diverge again: {record.outcome.reason} Start a new run."
            )
        if is_trained(folder):
            drop_leftovers(folder)
            say(f"{folder.design.name} is already trained: {record.outcome and record.outcome.reason}.")
            return Run(folder)
        checkpoints = Checkpoints(folder.checkpoints_path, resume=True, say=say)
        if checkpoints.generations() and record.environment != Environment(**environment()):
            say(
                "Hardware or software differs from when the run started. Continuing, but results may not be "
                "bit-identical."
            )
        fitted = prepared.fit(seed=record.seed, callbacks=[_KeepUpToDate(folder), *callbacks], checkpoints=checkpoints)
        _keep(folder, fitted)
        if fitted.outcome.end == "diverged":
            raise DivergedError(f"{fitted.outcome.reason} The run is in {folder.path}.")
        return Run(folder)


def drop_leftovers(folder: RunFolder) -> None:
    """Remove checkpoints that a trained run still has because its process was killed before it removed them."""
    Checkpoints(folder.checkpoints_path).drop()


def is_trained(folder: RunFolder) -> bool:
    """Return whether training is complete, so that there is nothing to resume."""
    outcome = folder.record.outcome
    return outcome is not None and outcome.end in ("finished", "early")


def require_same_start(folder: RunFolder, record: RunRecord, design: Design) -> None:
    """Check that a run was started with this design, recipe, data and seed.

    Raises:
        RunError: the settings differ; the message shows how.
    """
    require_same(_start(folder.record, folder.design), _start(record, design))


def _start(record: RunRecord, design: Design) -> Identity:
    recipe = record.recipe.plain()
    fingerprint = record.data.fingerprint
    return Identity(design=format_design(design), recipe=recipe, data=fingerprint, seed=record.seed)


def new_record(design: Design, data: Dataset, recipe: Recipe, seed: int) -> RunRecord:
    """Return the record of a run that is not trained yet."""
    return RunRecord(
        created=datetime.now().astimezone(),
        design=design.name,
        recipe=recipe,
        seed=seed,
        data=DataRecord.of(data),
        environment=Environment(**environment()),
    )


class _KeepUpToDate(Callback):
    """Removes the results of earlier weights at the first step, and writes history.csv after every epoch.

    The results stay until the first step: if a checkpoint is refused or a callback fails before it, the weights do not
    change, and the results are still theirs.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.has_stepped = False

    def on_step(self, training: Training) -> None:
        if not self.has_stepped:
            self.folder.drop_results()
            self.has_stepped = True

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        self.folder.save_history(training.history)


def _keep(folder: RunFolder, fitted: Fitted) -> None:
    folder.drop_results()
    if fitted.usable:
        weights = {
            name: np.ascontiguousarray(array.detach().cpu().contiguous().numpy())
            for name, array in fitted.network.state_dict().items()
        }
        data = folder.record.data
        names, scaling = data.class_names, data.scaling
        export(folder.design, weights, folder.weights_path, "safetensors", class_names=names, scaling=scaling)
    folder.save_history(fitted.history)
    folder.save_record(folder.record.model_copy(update={"outcome": fitted.outcome}))
    if is_trained(folder):
        Checkpoints(folder.checkpoints_path).drop()
