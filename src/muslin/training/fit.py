"""Training a design: teachers first, if the recipe has any, then the network itself."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from muslin._interruption import catch_interruption
from muslin.data import Dataset
from muslin.design import Design, describe_shape
from muslin.engine.machine import flushed_denormals, keep_freed_memory, pick_device
from muslin.errors import DesignError
from muslin.recipe import Recipe
from muslin.training.callbacks import Callback, LowerOnPlateau, StopEarly
from muslin.training.checkpoint import Checkpoints
from muslin.training.loop import Training
from muslin.training.outcome import Fitted
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
    """Train `design` on `data.train`, watching `data.validation`; the test split is not looked at.

    Same machine, thread count, design, recipe, data and seed give the same bits. Ctrl-C or SIGTERM ends after the step
    under way and keeps the best weights so far.

    With `checkpoints`, the whole state is saved now and then, at the end of each epoch, and on Ctrl-C or SIGTERM. A
    training resumed from there ends with the same bits as one that was never stopped.

    Args:
        design: what to train; its input shape and classes must be the data's.
        data: the images.
        recipe: how to train.
        seed: of the initial weights, the order of images, augmentation and dropout.
        device: "cpu", "cuda", "mps", …; the best there is by default.
        precision: "float32" or "bfloat16"; by default bfloat16 where the hardware multiplies it natively. Weights are
            kept in float32 either way.
        callbacks: called after the recipe's own.
        checkpoints: where the state is saved, and whether to go on from there; nowhere by default.

    Raises:
        DesignError: the design doesn't fit the data, or the recipe's teachers would be too large.
        TrainingError: the device can't be used.
        RunError: the checkpoints are of another design, recipe, data or seed, or none of them is whole.
    """
    check_fit(design, data, recipe)
    keep_freed_memory()
    with torch.random.fork_rng(devices=[]), flushed_denormals(), catch_interruption() as interruption:
        return _Fitting(data, device, precision, interruption).fit(design, recipe, seed, callbacks, checkpoints)


@dataclass(frozen=True)
class _Fitting:
    """What the trainings of one run share: a network's, and those of its teachers; one interruption ends them all."""

    data: Dataset
    device: str | None
    precision: str | None
    interruption: threading.Event

    def fit(
        self,
        design: Design,
        recipe: Recipe,
        seed: int,
        callbacks: Sequence[Callback],
        checkpoints: Checkpoints | None,
    ) -> Fitted:
        snapshot, device, precision = checkpoints.begin() if checkpoints else None, self.device, self.precision
        if snapshot:  # what a run began with, it goes on with
            device, precision = device or snapshot.state.identity.device, precision or snapshot.state.identity.precision
        taught: Taught | None = None
        if recipe.distillation:
            train = replace(self, device=device, precision=precision).fit
            taught = teach(design, self.data, recipe, seed, train, callbacks, checkpoints, self.interruption)
        training = Training(design, self.data, recipe, seed, pick_device(device), precision, taught)
        return training.run([*_recipe_callbacks(recipe), *callbacks], self.interruption, checkpoints, snapshot)


def check_fit(design: Design, data: Dataset, recipe: Recipe) -> None:
    """See that a design takes the data's images, tells the data's classes apart, and can have the recipe's teachers.

    Raises:
        DesignError: it doesn't.
    """
    if design.input_shape != data.input_shape:
        raise DesignError(
            f"design '{design.name}' takes images of {describe_shape(design.input_shape)}, but the data's are "
            f"{describe_shape(data.input_shape)} (height × width × channels). Set input_shape in the design, or let "
            "`muslin new NAME.toml --data PATH` write one that fits."
        )
    if design.classes != data.classes:
        raise DesignError(
            f"design '{design.name}' ends in {design.classes} units, but the data has {data.classes} classes. "
            f"Set units = {data.classes} on layer '{design.output_layer.name}'."
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
