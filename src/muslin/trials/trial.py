"""Trials: one arm trained with one seed, and the measurements of the trained network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from muslin.data import Dataset, Split
from muslin.data.split import stratified
from muslin.design import Design
from muslin.engine import Precision
from muslin.network import Network
from muslin.recipe import Recipe
from muslin.training.callbacks import Callback
from muslin.training.fit import fit
from muslin.training.forward import predict_fast
from muslin.training.state import Training
from muslin.trials.arm import Arm, digest

if TYPE_CHECKING:
    from jaxtyping import UInt8

SHIFTS = (0, 1, 2, 3, 4)  # pixels
SHIFTED_IMAGES = 1_000  # validation images; enough, because every arm sees the same ones in four directions
SMALLEST_PROBABILITY = 1e-12  # keeps the logarithm of a rounded-to-zero probability finite
PROBE_STEPS = 6
_PROBE_WARMUP = 2  # steps that are not timed
_PROBE_IMAGES = 250


@dataclass(frozen=True)
class Trial:
    """One arm with one seed on a data set.

    Attributes:
        arm: arm to train.
        seed: seed of initial weights, image order, augmentation and dropout.
        fingerprint: SHA-256 of the images.
        vary_split: whether the seed draws the validation images as well.
        precision: precision of matrix products.
    """

    arm: Arm
    seed: int
    fingerprint: str
    vary_split: bool
    precision: Precision

    @cached_property
    def key(self) -> str:
        """Hash of everything that the result depends on."""
        content = {"arm": self.arm.key, "seed": self.seed, "data": self.fingerprint, "precision": self.precision}
        return digest({**content, "vary_split": True} if self.vary_split else content)

    def to_json(self) -> str:
        """Return the message that asks a worker to run this trial."""
        return _message("trial", self.arm, seed=self.seed, vary_split=self.vary_split, precision=self.precision)


@dataclass(frozen=True)
class Result:
    """The measurements of a trial, on the validation split.

    Attributes:
        accuracy: share of correct predictions, 0–1.
        loss: mean cross-entropy.
        seconds: training time in seconds, including validation after each epoch.
        epochs: number of finished epochs.
        shifts: accuracy, 0–1, on the first 1,000 validation images shifted by 0, 1, 2, 3 and 4 pixels; mean of four
            directions, with black pixels moving in.
        cause: why the trial failed (default None: it did not). The measurements of a failed trial do not count.
    """

    accuracy: float
    loss: float
    seconds: float
    epochs: int
    shifts: tuple[float, ...]
    cause: str | None = None


def probe_json(arm: Arm, precision: Precision) -> str:
    """Return the message that asks a worker to time the steps of an arm."""
    return _message("probe", arm, precision=precision)


def work(message: str, data: Dataset, beat: Callable[[], None]) -> str:
    """Run what a message asks for.

    Args:
        message: message made by `Trial.to_json` or `probe_json`.
        data: images; the test split is not used.
        beat: function that is called after every step, as a sign of life.

    Returns:
        The answer, in JSON.
    """
    asked = json.loads(message)
    arm = Arm(Design.model_validate(asked["design"]), Recipe.model_validate(asked["recipe"]))
    if asked["do"] == "probe":
        return json.dumps(_probe(arm, data, asked["precision"], beat))
    result = run_trial(
        arm, data, asked["seed"], vary_split=asked["vary_split"], precision=asked["precision"], beat=beat
    )
    return json.dumps(asdict(result), allow_nan=False)


def run_trial(
    arm: Arm, data: Dataset, seed: int, *, vary_split: bool = False, precision: Precision, beat: Callable[[], None]
) -> Result:
    """Train an arm and measure the network.

    The seed determines initial weights (by name of the layer), image order, augmentation and dropout: they are the same
    for every arm, as far as shapes agree.

    Args:
        arm: arm to train.
        data: images; the test split is not used.
        seed: seed of the trial.
        vary_split: whether the seed draws the validation images as well (default False).
        precision: precision of matrix products.
        beat: function that is called after every step, as a sign of life.
    """
    if vary_split:
        data = redrawn(data, seed)
    fitted = fit(arm.design, data, arm.recipe, seed=seed, device="cpu", precision=precision, callbacks=[_Beat(beat)])
    outcome = fitted.outcome
    if outcome.end in ("diverged", "interrupted"):
        return Result(0.0, 0.0, outcome.seconds, outcome.epochs, (), cause=f"{outcome.end}: {outcome.reason}")
    accuracy, loss = _measure(fitted.network, data.validation)
    return Result(
        accuracy, loss, outcome.seconds, outcome.epochs, shift_accuracies(fitted.network, data.validation, beat)
    )


def redrawn(data: Dataset, seed: int) -> Dataset:
    """Split the training files into training and validation images with another seed."""
    images = np.concatenate([data.train.images, data.validation.images])
    labels = np.concatenate([data.train.labels, data.validation.labels])
    train, validation = stratified(Split(images, labels), len(data.validation) / len(labels), seed)
    return Dataset(train, validation, data.test, data.class_names, data.source, data.audit)


def shift_accuracies(network: Network, split: Split, beat: Callable[[], None]) -> tuple[float, ...]:
    """Measure the accuracy on the first 1,000 images shifted by 0 to 4 pixels, averaged over four directions."""
    few = split.subset(np.arange(min(len(split), SHIFTED_IMAGES)))
    accuracies = []
    for pixels in SHIFTS:
        moves = [(0, 0)] if pixels == 0 else [(pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)]
        right = [
            float((predict_fast(network, shifted(few.images, *move)).argmax(1) == few.labels).mean()) for move in moves
        ]
        beat()
        accuracies.append(float(np.mean(right)))
    return tuple(accuracies)


def shifted(
    images: UInt8[np.ndarray, "image height width channel"], down: int, right: int
) -> UInt8[np.ndarray, "image height width channel"]:
    """Shift images; pixels that leave are lost, and black pixels move in.

    Args:
        images: images to shift.
        down: pixels downward; negative for upward.
        right: pixels to the right; negative for the left.
    """
    height, width = images.shape[1:3]
    moved = np.zeros_like(images)
    target = (slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0)))
    source = (slice(max(-down, 0), height + min(-down, 0)), slice(max(-right, 0), width + min(-right, 0)))
    moved[:, *target] = images[:, *source]
    return moved


class _Beat(Callback):
    def __init__(self, beat: Callable[[], None]) -> None:
        self.beat = beat

    def for_teacher(self, number: int, of: int) -> _Beat:
        return self

    def on_step(self, training: Training) -> None:
        self.beat()


class _Clock(Callback):
    """Records the time of each step, and stops training after `PROBE_STEPS` + 1 steps."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step(self, training: Training) -> None:
        self.times.append(time.perf_counter())
        if len(self.times) > PROBE_STEPS:
            training.stop("timed")


def _probe(arm: Arm, data: Dataset, precision: Precision, beat: Callable[[], None]) -> dict[str, float]:
    """Measure seconds per training step and per validation image; 0 for an arm that diverges at once."""
    size = min(arm.recipe.batch_size, len(data.train))
    few = data.train.subset(np.arange(min(size * (PROBE_STEPS + 1), len(data.train))))
    images = data.validation.subset(np.arange(min(_PROBE_IMAGES, len(data.validation))))
    small = Dataset(few, images, data.test, data.class_names, data.source, data.audit)
    clock = _Clock()
    recipe = arm.recipe.with_(epochs=PROBE_STEPS + 1, distillation=None)
    fitted = fit(arm.design, small, recipe, device="cpu", precision=precision, callbacks=[clock, _Beat(beat)])
    if fitted.outcome.end == "diverged":
        return {"step": 0.0, "image": 0.0}
    times = clock.times[_PROBE_WARMUP:]
    started = time.perf_counter()
    predict_fast(fitted.network, images.images)
    seconds = time.perf_counter() - started
    return {"step": float(np.median(np.diff(times))), "image": seconds / len(images)}


def _measure(network: Network, split: Split) -> tuple[float, float]:
    probabilities = predict_fast(network, split.images)
    of_truth = probabilities[np.arange(len(split)), split.labels]
    loss = -np.log(np.maximum(of_truth, SMALLEST_PROBABILITY)).mean()
    return float((probabilities.argmax(1) == split.labels).mean()), float(loss)


def _message(do: str, arm: Arm, **more: Any) -> str:
    design = arm.design.model_dump(mode="json", exclude={"because", "claims", "decisions"})
    return json.dumps({"do": do, "design": design, "recipe": arm.recipe.model_dump(mode="json"), **more})
