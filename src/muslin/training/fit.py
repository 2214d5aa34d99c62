"""Train a design: the recipe's teachers first, if any, then the network."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from muslin._interruption import catch_interruption
from muslin.data import Dataset
from muslin.design import Design, describe_shape
from muslin.engine import Precision
from muslin.engine.machine import flushed_denormals, keep_freed_memory, pick_device, pick_precision
from muslin.errors import DesignError
from muslin.recipe import Recipe
from muslin.training.callbacks import Callback, LowerOnPlateau, StopEarly
from muslin.training.checkpoint import Checkpoints
from muslin.training.loop import TrainingLoop
from muslin.training.outcome import Fitted
from muslin.training.state import Identity
from muslin.training.teachers import Taught, teach, teacher


def fit(
    design: Design,
    data: Dataset,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str | None = None,
    precision: str | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> Fitted:
    """Train `design` on `data.train` and validate it on `data.validation`; the test split is not used.

    The same machine, thread count, design, recipe, data and seed give bit-identical weights. On Ctrl-C or SIGTERM,
    training ends after the current step and keeps the best weights so far.

    With `checkpoints`, the complete state is saved periodically, at the end of each epoch, and on Ctrl-C or SIGTERM. A
    resumed training ends with the same bits as an uninterrupted one.

    Args:
        design: design to train; its input shape and number of classes must match the data.
        data: data set with training and validation images.
        recipe: training procedure.
        seed: seed of initial weights, image order, augmentation and dropout (default 0).
        device: device name, "cpu", "cuda", "mps", … (default: the fastest available).
        precision: "float32" or "bfloat16" (default: bfloat16 where the hardware multiplies it natively). Weights stay
            in float32 in either case.
        callbacks: additional callbacks, called after the recipe's own.
        checkpoints: where to save the state, and whether to resume from it (default None: nothing is saved).

    Raises:
        DesignError: the design does not fit the data, or a teacher would be too large.
        TrainingError: the device is not available.
        RunError: the checkpoints belong to another design, recipe, data set or seed, or none of them is complete.
    """
    prepared = prepare(design, data, recipe, device=device, precision=precision)
    return prepared.fit(seed=seed, callbacks=callbacks, checkpoints=checkpoints)


def prepare(
    design: Design, data: Dataset, recipe: Recipe, *, device: str | None = None, precision: str | None = None
) -> Prepared:
    """Check that a training is possible, and choose device and precision.

    Args:
        design: design to train; its input shape and number of classes must match the data.
        data: data set with training and validation images.
        recipe: training procedure.
        device: as in `fit`.
        precision: as in `fit`.

    Returns:
        The training, ready to start or to resume.

    Raises:
        DesignError: the design does not fit the data, or a teacher would be too large.
        TrainingError: the device or the precision is not available.
    """
    recipe = recipe.settled(mirror=data.audit.is_fashion)
    check_fit(design, data, recipe)
    chosen = pick_device(device)
    machine = _Machine(chosen, pick_precision(chosen, precision), device is not None, precision is not None)
    return Prepared(design, data, recipe, machine)


@dataclass(frozen=True)
class Prepared:
    """A training that has been checked; `prepare` makes one.

    Attributes:
        design: design to train.
        data: data set with training and validation images.
        recipe: training procedure.
    """

    design: Design
    data: Dataset
    recipe: Recipe
    machine: _Machine = field(repr=False)

    def fit(
        self, *, seed: int = 0, callbacks: Sequence[Callback] = (), checkpoints: Checkpoints | None = None
    ) -> Fitted:
        """Train, or resume from the checkpoints; arguments, result and errors are those of `fit`."""
        keep_freed_memory()
        with torch.random.fork_rng(devices=[]), flushed_denormals(), catch_interruption() as interruption:
            fitting = _Fitting(self.data, self.machine, interruption)
            return fitting.fit(self.design, self.recipe, seed, callbacks, checkpoints)


@dataclass(frozen=True)
class _Machine:
    """Device and precision, and whether a person asked for them."""

    device: torch.device
    precision: Precision
    device_given: bool
    precision_given: bool

    def resuming(self, began: Identity) -> _Machine:
        """Return the device and the precision of the interrupted training, except for what a person asked for."""
        device = self.device if self.device_given or not began.device else pick_device(began.device)
        precision = None if self.precision_given else began.precision or None
        return _Machine(device, pick_precision(device, precision) if precision else self.precision, True, True)


@dataclass(frozen=True)
class _Fitting:
    """State shared by the trainings of one run, the network's and its teachers'; one interruption ends them all."""

    data: Dataset
    machine: _Machine
    interruption: threading.Event

    def fit(
        self,
        design: Design,
        recipe: Recipe,
        seed: int,
        callbacks: Sequence[Callback],
        checkpoints: Checkpoints | None,
    ) -> Fitted:
        snapshot = checkpoints.begin() if checkpoints else None
        machine = self.machine.resuming(snapshot.state.identity) if snapshot else self.machine
        taught: Taught | None = None
        if recipe.distillation:
            train = replace(self, machine=machine).fit
            taught = teach(design, self.data, recipe, seed, train, callbacks, checkpoints, self.interruption)
        training = TrainingLoop(design, self.data, recipe, seed, machine.device, machine.precision, taught)
        return training.run([*_recipe_callbacks(recipe), *callbacks], self.interruption, checkpoints, snapshot)


def check_fit(design: Design, data: Dataset, recipe: Recipe) -> None:
    """Check that a design matches the data's image size and number of classes, and that its teachers can be built.

    Raises:
        DesignError: it does not match, or a teacher would be too large.
    """
    if design.input_shape != data.input_shape:
        raise DesignError(
            f"design '{design.name}' takes images of {describe_shape(design.input_shape)}, but the data's are "
            f"{describe_shape(data.input_shape)} (height × width × channels). If you meant other data, pass them with "
            "`path=`. Otherwise set input_shape in the design, or create a matching design with `muslin new NAME.toml "
            "--data PATH`."
        )
    if design.classes != data.classes:
        raise DesignError(
            f"design '{design.name}' has {design.classes} output units, but the data has {data.classes} classes. "
            f"Set units = {data.classes} on layer '{design.output_layer.name}', or create a matching design with "
            "`muslin new NAME.toml --data PATH`."
        )
    if recipe.distillation:
        teacher(design, recipe.distillation)


def _recipe_callbacks(recipe: Recipe) -> list[Callback]:
    callbacks: list[Callback] = []
    if recipe.early_stopping:
        callbacks.append(StopEarly(recipe.early_stopping))
    if recipe.plateau:
        callbacks.append(LowerOnPlateau(recipe.plateau))
    return callbacks
