"""Teachers: larger networks trained first, whose soft targets the network learns from."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from muslin.data import Dataset
from muslin.design import Design
from muslin.recipe import Distillation, Recipe
from muslin.training.batches import Batch
from muslin.training.callbacks import Callback
from muslin.training.checkpoint import Checkpoints
from muslin.training.forward import log_probabilities
from muslin.training.outcome import End, Fitted

if TYPE_CHECKING:
    from jaxtyping import Float

Train = Callable[[Design, Recipe, int, Sequence[Callback], Checkpoints | None], Fitted]  # the int is a seed


@dataclass(frozen=True)
class Taught:
    """Result of training the teachers.

    Attributes:
        answers: soft targets: the teachers' mean probabilities for each training image, at the recipe's temperature.
            None if a teacher's training ended prematurely.
        accuracies: accuracy of each teacher on the validation split, 0–1.
        seconds: total time in seconds.
        ended: how and why a teacher's training ended prematurely; None if none did.
    """

    answers: Float[Tensor, "image class"] | None
    accuracies: tuple[float, ...]
    seconds: float
    ended: tuple[End, str] | None = None


def teacher(design: Design, settings: Distillation) -> Design:
    """Return the design widened (more filters or hidden units in all layers but the last) and deepened.

    Raises:
        DesignError: the teacher would be too large.

    >>> from muslin.design import load_design
    >>> from muslin.recipe import Distillation
    >>> large = teacher(load_design("custom_cnn"), Distillation(widen=2, deepen=2))
    >>> [(layer.name, layer.filters) for layer in large.layers if layer.kind == "conv2d"][:4]
    [('conv1', 64), ('conv1_2', 64), ('conv2', 128), ('conv2_2', 128)]
    """
    names, layers = {layer.name for layer in design.layers}, []
    for layer in (each.model_dump(mode="json") for each in design.layers):
        for width in ("filters", "units"):
            if width in layer and layer["name"] != design.output_layer.name:
                layer[width] = max(1, round(layer[width] * settings.widen))
        layers.append(layer)
        for number in range(2, settings.deepen + 1 if layer["kind"] == "conv2d" else 2):
            name = f"{layer['name'][:48]}_{number}"
            while name in names:
                name += "_"
            names.add(name)
            layers.append({**layer, "name": name, "stride": [1, 1], "padding": "same"})
    return design.with_layers(layers, f"{design.name[:55]}_teacher")


def teach(
    design: Design,
    data: Dataset,
    recipe: Recipe,
    seed: int,
    train: Train,
    callbacks: Sequence[Callback],
    checkpoints: Checkpoints | None,
    interruption: threading.Event,
) -> Taught:
    """Train a recipe's teachers one after the other and compute their soft targets for the training images.

    A teacher whose checkpoints show a completed training is not trained again.

    Args:
        design: design of the network that learns from the teachers.
        data: data set.
        recipe: recipe with a distillation section; teachers use the rest of it.
        seed: seed of the network's training, from which each teacher's seed is derived.
        train: function that trains one network.
        callbacks: callbacks of the training; `for_teacher` returns those of a teacher.
        checkpoints: checkpoints of the training; each teacher's are in a subfolder. None to save nothing.
        interruption: event that ends the training, also between two teachers.

    Raises:
        DesignError: a teacher would be too large.
    """
    settings = recipe.distillation
    assert settings is not None  # noqa: S101  (called only for recipes with teachers)
    started, larger = time.perf_counter(), teacher(design, settings)
    lesson = _lesson(recipe, settings)
    answers: list[Tensor] = []
    accuracies: list[float] = []
    earlier = 0.0  # seconds spent before an interruption

    def ended(end: End, reason: str) -> Taught:
        return Taught(None, tuple(accuracies), time.perf_counter() - started + earlier, (end, reason))

    for number in range(1, settings.teachers + 1):
        watching = [sent for callback in callbacks if (sent := callback.for_teacher(number, settings.teachers))]
        within = checkpoints.within(f"teacher-{number}") if checkpoints else None
        begun = time.perf_counter()
        fitted = train(larger, lesson, _seed(seed, number), watching, within)
        outcome = fitted.outcome
        earlier += max(0.0, outcome.seconds - (time.perf_counter() - begun))
        if outcome.end in ("interrupted", "diverged"):
            who = f"teacher {number} of {settings.teachers}"
            interrupted = outcome.end == "interrupted"
            reason = f"{outcome.reason}, of {who}" if interrupted else f"{who}: {outcome.reason}"
            return ended(outcome.end, reason)
        accuracies.append(fitted.history.kept(outcome.restored_epoch).validation_accuracy)
        sides = (side for side in _sides(data, recipe) if not interruption.is_set())
        answers += [log_probabilities(fitted.network, side) for side in sides]
        if interruption.is_set():
            return ended("interrupted", f"interrupted after teacher {number} of {settings.teachers}")
    mean = torch.stack(answers).mean(0)  # of logits up to a constant per image, to which the softmax is invariant
    return Taught((mean / settings.temperature).softmax(-1), tuple(accuracies), time.perf_counter() - started + earlier)


def distilled(loss: Tensor, logits: Tensor, batch: Batch, settings: Distillation | None) -> Tensor:
    """Return the weighted sum of the label loss and the soft-target loss; the label loss if there are no teachers.

    The factor T² keeps both gradients on the same scale at any temperature T (Hinton, Vinyals & Dean, "Distilling the
    Knowledge in a Neural Network", 2015, section 2).
    """
    if settings is None or batch.taught is None:
        return loss
    by_teachers = functional.cross_entropy(logits / settings.temperature, batch.taught) * settings.temperature**2
    return settings.weight * by_teachers + (1 - settings.weight) * loss


def _lesson(recipe: Recipe, settings: Distillation) -> Recipe:
    """Return the recipe used to train the teachers."""
    optimizer = recipe.optimizer
    if settings.learning_rate is not None:
        optimizer = optimizer.model_copy(update={"learning_rate": settings.learning_rate})
    dropout = recipe.dropout if settings.dropout is None else settings.dropout
    return recipe.with_(epochs=settings.epochs, distillation=None, optimizer=optimizer, dropout=dropout)


def _sides(data: Dataset, recipe: Recipe) -> Iterator[np.ndarray]:
    yield data.train.images
    if recipe.augmentation.flip:
        yield np.ascontiguousarray(data.train.images[:, :, ::-1])


def _seed(seed: int, number: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/teacher {number}".encode()).digest()[:4], "big")
