"""Teachers: networks that are trained first, and whose answers another learns from."""

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
    """What teachers had to say.

    Attributes:
        answers: to each training image, as probabilities at the recipe's temperature. None if a teacher's training
            ended before its time.
        accuracies: each teacher's on the validation split, 0–1.
        seconds: that all of it took.
        ended: how and why a teacher's training ended before its time.
    """

    answers: Float[Tensor, "image class"] | None
    accuracies: tuple[float, ...]
    seconds: float
    ended: tuple[End, str] | None = None


def teacher(design: Design, settings: Distillation) -> Design:
    """The design with more filters, or hidden units, in every layer but the last, and more convolutions.

    Raises:
        DesignError: it would be too large.

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
    """Train a recipe's teachers, one after the other, and ask them about the training images.

    A teacher whose training came to its end before, by its checkpoints, is not trained again.

    Args:
        design: what is to learn from them.
        data: the images.
        recipe: with a distillation; they are trained by it, too.
        seed: of the training that they are for; each has its own, drawn from it.
        train: trains one.
        callbacks: those that watch the training; each may send another to watch a teacher's.
        checkpoints: of the training; each teacher has its own in a folder within.
        interruption: ends it, between two teachers as well.

    Raises:
        DesignError: a teacher would be too large.
    """
    settings = recipe.distillation
    assert settings is not None  # noqa: S101  (who has no teachers doesn't come here)
    started, larger = time.perf_counter(), teacher(design, settings)
    lesson = _lesson(recipe, settings)
    answers: list[Tensor] = []
    accuracies: list[float] = []
    earlier = 0.0  # seconds, before an interruption

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
    mean = torch.stack(answers).mean(0)  # of logits, but for a constant per image, which the softmax doesn't see
    return Taught((mean / settings.temperature).softmax(-1), tuple(accuracies), time.perf_counter() - started + earlier)


def distilled(loss: Tensor, logits: Tensor, batch: Batch, settings: Distillation | None) -> Tensor:
    """The loss by the labels, joined with that by the teachers' answers if there are any.

    The factor T² keeps the gradients of both parts on one scale, whatever the temperature (Hinton et al. 2015,
    section 2).
    """
    if settings is None or batch.taught is None:
        return loss
    by_teachers = functional.cross_entropy(logits / settings.temperature, batch.taught) * settings.temperature**2
    return settings.weight * by_teachers + (1 - settings.weight) * loss


def _lesson(recipe: Recipe, settings: Distillation) -> Recipe:
    """By which teachers are trained."""
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
