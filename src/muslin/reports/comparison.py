"""Compare the design with its baseline, quantity by quantity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from muslin._words import number, percent, signed
from muslin.analysis import Analysis
from muslin.design import Conv2d, Design
from muslin.evaluation import Evaluation
from muslin.reports.words import duration, millions, size

if TYPE_CHECKING:
    from muslin.reports.training import Course


@dataclass(frozen=True)
class Candidate:
    """One side of the comparison: a trained design.

    Attributes:
        design: the design.
        analysis: its static analysis.
        course: its training.
        evaluation: its results on the test split; None if it was not evaluated.
    """

    design: Design
    analysis: Analysis
    course: Course
    evaluation: Evaluation | None

    @property
    def shared(self) -> float:
        """Share of the parameters that belong to convolutions and are shared by all positions, 0–1."""
        convolutions = {layer.name for layer in self.design.layers if isinstance(layer, Conv2d)}
        return (
            sum(row.parameters for row in self.analysis.layers if row.name in convolutions) / self.analysis.parameters
        )


class Line(NamedTuple):
    """A line of the comparison.

    Attributes:
        name: the quantity.
        design: the design's value.
        baseline: the baseline's value.
        difference: the design's value relative to the baseline's.
    """

    name: str
    design: str
    baseline: str
    difference: str


def compare_candidates(design: Candidate, baseline: Candidate) -> tuple[Line, ...]:
    """Return a line for every quantity that both sides have."""
    return tuple(_lines(design, baseline))


def _lines(design: Candidate, baseline: Candidate) -> Iterator[Line]:
    def line(name: str, take: Callable[[Candidate], float], show: Callable[[float], str]) -> Line:
        ours, theirs = take(design), take(baseline)
        return Line(name, show(ours), show(theirs), _ratio(ours, theirs))

    def in_points(name: str, take: Callable[[Candidate], float], digits: int) -> Line:
        ours, theirs = take(design), take(baseline)
        return Line(
            name, percent(ours, digits), percent(theirs, digits), f"{signed(100 * (ours - theirs), digits)} points"
        )

    yield line("Parameters", lambda one: one.analysis.parameters, number)
    yield in_points("… shared by all positions", lambda one: one.shared, 1)
    yield line("Size of the weights (float32)", lambda one: one.analysis.float32_bytes, size)
    yield line("Multiply-accumulates per image", lambda one: one.analysis.macs, millions)
    yield line("Peak activation memory", lambda one: one.analysis.peak_activation_bytes, size)
    yield line("Epochs", lambda one: len(one.course.history), number)
    yield line("Training time", lambda one: one.course.seconds, duration)
    if design.evaluation and baseline.evaluation:
        answers = {id(design): design.evaluation, id(baseline): baseline.evaluation}
        yield in_points("Test accuracy", lambda one: answers[id(one)].accuracy, 2)
        yield line("Test loss", lambda one: answers[id(one)].loss, lambda loss: number(loss, 4))
        yield in_points("Expected calibration error", lambda one: answers[id(one)].calibration.error, 2)


def _ratio(ours: float, theirs: float) -> str:
    """Format a ratio: below 2 as a percentage, from 2 on as a factor."""
    if ours == theirs:
        return "equal"
    if theirs == 0:
        return ""
    ratio = ours / theirs
    return f"× {number(ratio, 1 if ratio < 100 else 0)}" if ratio >= 2 else f"{signed(100 * (ratio - 1), 1)}%"
