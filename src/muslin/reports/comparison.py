"""The design beside its baseline, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from muslin._words import number
from muslin.analysis import Analysis
from muslin.design import Conv2d, Design
from muslin.evaluation import Evaluation
from muslin.reports.words import THIN, duration, millions, percent, signed, size

if TYPE_CHECKING:
    from muslin.reports.training import Course


@dataclass(frozen=True)
class Candidate:
    """What is compared.

    Attributes:
        evaluation: its answers on the test split, if that was opened.
    """

    design: Design
    analysis: Analysis
    course: Course
    evaluation: Evaluation | None

    @property
    def shared(self) -> float:
        """Share of the parameters that serve every position of the image alike, 0–1: those of convolutions."""
        convolutions = {layer.name for layer in self.design.layers if isinstance(layer, Conv2d)}
        return (
            sum(row.parameters for row in self.analysis.layers if row.name in convolutions) / self.analysis.parameters
        )


class Line(NamedTuple):
    """One line of the comparison; `difference` is the design's value against the baseline's."""

    name: str
    design: str
    baseline: str
    difference: str


def compare_candidates(design: Candidate, baseline: Candidate) -> tuple[Line, ...]:
    """Every quantity that both have."""
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
    yield in_points("… of which shared by all positions", lambda one: one.shared, 1)
    yield line("Weights in float32", lambda one: one.analysis.float32_bytes, size)
    yield line("Multiply-accumulates per image", lambda one: one.analysis.macs, millions)
    yield line("Activations held at once", lambda one: one.analysis.peak_activation_bytes, size)
    yield line("Epochs", lambda one: len(one.course.history), number)
    yield line("Training time", lambda one: one.course.seconds, duration)
    if design.evaluation and baseline.evaluation:
        answers = {id(design): design.evaluation, id(baseline): baseline.evaluation}
        yield in_points("Test accuracy", lambda one: answers[id(one)].accuracy, 2)
        yield line("Test loss", lambda one: answers[id(one)].loss, lambda loss: number(loss, 4))
        yield in_points("Calibration error", lambda one: answers[id(one)].calibration.error, 2)


def _ratio(ours: float, theirs: float) -> str:
    """How much more or less, as people say it: in per cent up to double, as a factor beyond."""
    if ours == theirs:
        return "the same"
    if theirs == 0:
        return ""
    ratio = ours / theirs
    return f"× {number(ratio, 1 if ratio < 100 else 0)}" if ratio >= 2 else f"{signed(100 * (ratio - 1))}{THIN}%"
