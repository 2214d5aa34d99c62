"""Train a design: the recipe's teachers first, if any, then the network."""

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
    check_fit(design, data, recipe)
    keep_freed_memory()
    with torch.random.fork_rng(devices=[]), flushed_denormals(), catch_interruption() as interruption:
        return _Fitting(data, device, precision, interruption).fit(design, recipe, seed, callbacks, checkpoints)


@dataclass(frozen=True)
class _Fitting:
    """State shared by the trainings of one run, the network's and its teachers'; one interruption ends them all."""

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
        if snapshot:  # resume on the device and in the precision of the interrupted run
            device, precision = device or snapshot.state.identity.device, precision or snapshot.state.identity.precision
        taught: Taught | None = None
        if recipe.distillation:
            train = replace(self, device=device, precision=precision).fit
            taught = teach(design, self.data, recipe, seed, train, callbacks, checkpoints, self.interruption)
        training = Training(design, self.data, recipe, seed, pick_device(device), precision, taught)
        return training.run([*_recipe_callbacks(recipe), *callbacks], self.interruption, checkpoints, snapshot)


def check_fit(design: Design, data: Dataset, recipe: Recipe) -> None:
    """Check that a design matches the data's image size and number of classes, and that its teachers can be built.

    Raises:
        DesignError: it does not match, or a teacher would be too large.
    """
    if design.input_shape != data.input_shape:
        raise DesignError(
            f"design '{design.name}' takes images of {describe_shape(design.input_shape)}, but the data's are "
            f"{describe_shape(data.input_shape)} (height × width × channels). Set input_shape in the design, or create "
            "a matching design with `muslin new NAME.toml --data PATH`."
        )
    if design.classes != data.classes:
        raise DesignError(
            f"design '{design.name}' has {design.classes} output units, but the data has {data.classes} classes. "
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
