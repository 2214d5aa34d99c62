"""Time of each operation in a training step, compared with its lower bound."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from muslin.data import Dataset, Split, load_data
from muslin.design import Design
from muslin.engine import Precision
from muslin.engine.machine import keep_freed_memory, matrix_peak, pick_precision, torch_threads
from muslin.recipe import Recipe
from muslin.training.batches import Batch
from muslin.training.cost import operations
from muslin.training.forward import Part
from muslin.training.loop import TrainingLoop


@dataclass(frozen=True)
class Operation:
    """One operation of a training step.

    Attributes:
        name: names of the layers, or description of another operation.
        fused: whether a fused block computes it in one pass.
        forward: time of the forward pass in milliseconds.
        backward: time of the backward pass in milliseconds; 0 if there is none.
        floor: lower bound in milliseconds: its multiplications at the machine's matrix-product peak.
    """

    name: str
    fused: bool
    forward: float
    backward: float
    floor: float


@dataclass(frozen=True)
class Profile:
    """Median times of a training step's operations, and of whole steps.

    Attributes:
        design: name of the design.
        recipe: name of the recipe.
        batch_size: images per step.
        precision: precision of the steps.
        threads: torch's thread count.
        operations: operations of a step, in order.
        step: time of a whole step in milliseconds. Timing adds overhead, so the operations sum to slightly more.
        peak: matrix-product peak in this precision, in floating-point operations per second.
    """

    design: str
    recipe: str
    batch_size: int
    precision: Precision
    threads: int
    operations: tuple[Operation, ...]
    step: float
    peak: float

    @property
    def floor(self) -> float:
        """Lower bound of a step in milliseconds: all its multiplications at the peak."""
        return sum(operation.floor for operation in self.operations)

    @property
    def images_per_second(self) -> float:
        """Training images per second, from the time of whole steps."""
        return self.batch_size / self.step * 1e3

    def to_dict(self) -> dict[str, Any]:
        """Return all fields and the derived values as a dictionary."""
        return asdict(self) | {"floor": self.floor, "images_per_second": self.images_per_second}


def profile(
    design: Design, recipe: Recipe, *, steps: int = 30, device: torch.device, precision: str | None = None
) -> Profile:
    """Train on random images and time the steps, alternating whole steps and steps timed by operation.

    Args:
        design: design to train.
        recipe: training procedure.
        steps: number of timed steps of each kind, after 3 warm-up steps (default 30).
        device: device to train on.
        precision: "float32" or "bfloat16" (default: as in training).
    """
    keep_freed_memory()
    with torch.random.fork_rng(devices=[]):
        training = TrainingLoop(
            design, _noise(design, recipe.batch_size), recipe, 0, device, pick_precision(device, precision)
        )
        stopwatch = _Stopwatch(training)
        wholes: list[float] = []
        with torch_threads(training.forward.torch_threads):
            for number in range(steps + _WARM_UP):
                if number == _WARM_UP:
                    stopwatch.clear()
                    wholes.clear()
                wholes.append(_time(lambda number=number: stopwatch.whole(number)))  # type: ignore[misc]
                stopwatch.parts(number)
    floors = operations(design)
    peak = matrix_peak(training.precision, torch.get_num_threads())
    rows = []
    for name, (forward, backward) in stopwatch.medians().items():
        part = next((part for part in training.forward.parts if part.name == name), None)
        work = sum(sum(floors[layer]) for layer in part.layers) if part else 0
        rows.append(
            Operation(name, bool(part and part.fused), forward, backward, work * training.batches.size / peak * 1e3)
        )
    return Profile(
        design=design.name,
        recipe=recipe.name,
        batch_size=training.batches.size,
        precision=training.precision,
        threads=torch.get_num_threads(),
        operations=tuple(rows),
        step=statistics.median(wholes),
        peak=peak,
    )


_WARM_UP = 3  # steps


class _Stopwatch:
    """Times the operations of training steps; `times` holds (forward, backward) in milliseconds by operation."""

    def __init__(self, training: TrainingLoop) -> None:
        self.training = training
        names = ["batch: choose, augment, scale", *(part.name for part in training.forward.parts), "loss"]
        names += [f"optimizer: {type(optimizer).__name__}" for optimizer in training.optimizers]
        self.times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}  # in table order

    def medians(self) -> dict[str, tuple[float, float]]:
        return {
            name: (statistics.median(f for f, _ in pairs), statistics.median(b for _, b in pairs))
            for name, pairs in self.times.items()
        }

    def clear(self) -> None:
        for pairs in self.times.values():
            pairs.clear()

    def whole(self, number: int) -> None:
        """Run a step as training does."""
        self.training.train_step(next(iter(self.training.batches.epoch(number + 1))))

    def parts(self, number: int) -> None:
        """Run a step and time each operation."""
        training = self.training
        batch: Batch = self._timed(
            "batch: choose, augment, scale", lambda: next(iter(training.batches.epoch(number + 1)))
        )
        values, passes = batch.images, []
        with torch.autocast(training.device.type, torch.bfloat16, enabled=training.precision == "bfloat16"):
            for part in training.forward.parts:
                values, taken = self._forward(part, values)
                passes.append((part, taken))
        logits = values.detach().requires_grad_()
        started = time.perf_counter()
        loss, _ = training.losses(logits.float(), batch)
        between = time.perf_counter()
        (gradient,) = torch.autograd.grad(loss, logits)
        self._note("loss", between - started, time.perf_counter() - between)
        for part, (took, entering, leaving) in reversed(passes):
            gradient = self._backward(part, took, entering, leaving, gradient)
        for optimizer in training.optimizers:
            self._timed(f"optimizer: {type(optimizer).__name__}", optimizer.step)

    def _forward(self, part: Part, values: Tensor) -> tuple[Tensor, tuple[float, Tensor, Tensor]]:
        entering = values.detach().requires_grad_(values.requires_grad)
        started = time.perf_counter()
        leaving = part.run(entering)
        return leaving, (time.perf_counter() - started, entering, leaving)

    def _backward(self, part: Part, took: float, entering: Tensor, leaving: Tensor, gradient: Tensor) -> Tensor:
        for layer in part.layers:
            for array in self.training.network.layer(layer).parameters():
                array.grad = None
        started = time.perf_counter()
        if leaving.requires_grad:
            leaving.backward(gradient)  # type: ignore[no-untyped-call]
        self._note(part.name, took, time.perf_counter() - started)
        return gradient if entering.grad is None else entering.grad

    def _timed(self, name: str, run: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = run()
        self._note(name, time.perf_counter() - started, 0.0)
        return result

    def _note(self, name: str, forward: float, backward: float) -> None:
        self.times[name].append((forward * 1e3, backward * 1e3))


def _time(run: Callable[[], None]) -> float:
    """Return the run time in milliseconds."""
    started = time.perf_counter()
    run()
    return (time.perf_counter() - started) * 1e3


def _noise(design: Design, count: int) -> Dataset:
    """Return a data set of `count` random images in the design's shape."""
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 256, (count, *design.input_shape), np.uint8), rng.integers(0, design.classes, count))
    names = tuple(str(number) for number in range(design.classes))
    return replace(load_data(sample=True), train=split, validation=split, test=split, class_names=names)
