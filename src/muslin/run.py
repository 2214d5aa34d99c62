"""A run: a trained network with everything that belongs to it, in a folder."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from muslin.analysis import Analysis, analyze
from muslin.claims import Checked, Facts, check, require_measurable
from muslin.data import Dataset, Split
from muslin.design import Design, format_design, load_design
from muslin.errors import DivergedError, RunError
from muslin.evaluation import Evaluation
from muslin.export import FormatName, export
from muslin.export.safetensors import load_weights
from muslin.folder import RUNS, RunFolder
from muslin.network import Network, predict
from muslin.recipe import Recipe, load_recipe
from muslin.record import DataRecord, Environment, RunRecord
from muslin.report import build_report
from muslin.training.callbacks import Callback
from muslin.training.checkpoint import Checkpoints
from muslin.training.history import Epoch, History
from muslin.training.loop import Fitted, Training, check_fit, fit
from muslin.training.machine import pick_device, pick_precision, processor
from muslin.training.snapshot import Identity, require_same

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

_TRAINING_IMAGES_MEASURED = 10_000  # of the training split, for the overfitting gap: its error is then 0.3 points


class Run:
    """A trained network and its folder.

    Args:
        folder: where it is kept.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    @classmethod
    def open(cls, path: str | Path = "latest") -> Run:
        """An existing run: its folder, or "latest".

        Raises:
            RunError: there is no run, or it lacks something.
        """
        return cls(RunFolder.open(path))

    def __repr__(self) -> str:
        return f"Run('{self.folder.path}')"

    @property
    def design(self) -> Design:
        """What was trained."""
        return self.folder.design

    @property
    def record(self) -> RunRecord:
        """Recipe, seed, data, environment and outcome."""
        return self.folder.record

    @property
    def history(self) -> History:
        """What happened, epoch by epoch."""
        return self.folder.history

    @property
    def baseline(self) -> Run | None:
        """The run of the baseline trained beside this one, if there is one."""
        return Run(self.folder.baseline) if self.folder.baseline else None

    @cached_property
    def network(self) -> Network:
        """The trained network, on the CPU, ready to predict.

        Raises:
            RunError: the weights are missing, damaged, or another design's.
        """
        network = Network(self.design)
        weights = load_weights(self.folder.weights_path, self.design)
        network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
        return network.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload, no-any-return]

    @property
    def weights(self) -> dict[str, Float[np.ndarray, "..."]]:
        """The weights by name, as on disk."""
        return load_weights(self.folder.weights_path, self.design)

    @property
    def analysis(self) -> Analysis:
        """The design's static figures, against the baseline's if one was trained."""
        return analyze(self.design, self.baseline.design if self.baseline else None)

    def predict(self, images: UInt8[np.ndarray, "image height width channel"]) -> Float[np.ndarray, "image classes"]:
        """Class probabilities for bytes 0–255, as float32."""
        return predict(self.network, images)

    def evaluate(self, split: Split) -> Evaluation:
        """The network's answers on a split; nothing is written."""
        return Evaluation(split.labels, self.predict(split.images), self.record.data.class_names)

    def open_test(self, data: Dataset) -> Evaluation:
        """The network's answers on the test split: computed and kept the first time, read from the folder after that.

        Accuracy and loss on the training and validation split are kept beside them, dropout off, for the overfitting
        gap.

        Raises:
            RunError: `data` is not what the run was trained on.
        """
        if self.folder.evaluation is not None and self.folder.measured is not None:
            return self.folder.evaluation
        self.require_same(data)
        seen = data.train.subset(np.arange(min(len(data.train), _TRAINING_IMAGES_MEASURED)))
        train, validation = self.evaluate(seen), self.evaluate(data.validation)
        test = self.evaluate(data.test)
        measured = {
            "test": test.summary(),
            "train": {"accuracy": train.accuracy, "loss": train.loss, "images": len(seen)},
            "validation": {"accuracy": validation.accuracy, "loss": validation.loss, "images": len(data.validation)},
            "overfitting_gap": 100 * (train.accuracy - validation.accuracy),
        }
        self.folder.save_evaluation(test, measured)
        return test

    def require_same(self, data: Dataset) -> None:
        """See that `data` is what the run was trained on.

        Raises:
            RunError: it isn't.
        """
        if data.fingerprint != self.record.data.fingerprint:
            raise RunError(
                f"the run {self.folder.name} was trained on other images ({self.record.data.source}) than these "
                f"({data.source}): the fingerprints differ ({self.record.data.fingerprint[:12]}… and "
                f"{data.fingerprint[:12]}…). Give the run's own data with --data or --sample."
            )

    def claims(self) -> tuple[Checked, ...]:
        """What the design says of itself, held against what this run measured."""
        facts = Facts(
            self.analysis,
            training_images=sum(self.record.data.audit.counts["train"]),
            evaluation=self.folder.evaluation,
            baseline=self.folder.baseline.evaluation if self.folder.baseline else None,
        )
        return check(self.design, facts)

    def export(self, to: FormatName, path: str | Path | None = None) -> Path:
        """Write the network as one file, by default into the run folder; returns its path.

        Raises:
            ExportError: the format is unknown or can't express the design.
        """
        place = Path(path) if path else self.folder.export_path(to)
        return export(self.design, self.weights, place, to, class_names=self.record.data.class_names)

    def report(self) -> Path:
        """Build report.html from what is in the folder; returns its path."""
        return build_report(self.folder)


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
        DivergedError: a loss or gradient stopped being finite; the last good weights are in the run folder.
        RunError: the run to resume began with something else, its checkpoints are damaged, or another process is at
            work on it.
    """
    if not isinstance(design, Design):
        design = load_design(design)
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe)
    check_fit(design, data)
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
            say(f"{folder.design.name} is trained already: {record.outcome and record.outcome.reason}.")
            return Run(folder)
        folder.drop_results()
        checkpoints = Checkpoints(folder.checkpoints_path, resume=True, say=say)
        if checkpoints.generations() and record.environment != _environment():
            say("This machine or its software isn't what the run began on: it goes on, but other bits may come out.")
        fitted = fit(
            folder.design,
            data,
            record.recipe,
            seed=record.seed,
            device=device,
            precision=precision,
            callbacks=[_KeepHistory(folder), *callbacks],
            checkpoints=checkpoints,
        )
        _keep(folder, fitted)
        if fitted.outcome.end == "diverged":
            raise DivergedError(f"{fitted.outcome.reason} They are in {folder.path}.")
        return Run(folder)


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
        environment=_environment(),
    )


def _environment() -> Environment:
    return Environment(
        muslin=version("muslin"),
        python=platform.python_version(),
        torch=torch.__version__,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=processor(),
    )


class _KeepHistory(Callback):
    """Writes history.csv after every epoch."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        self.folder.save_history(training.history)


def _keep(folder: RunFolder, fitted: Fitted) -> None:
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
