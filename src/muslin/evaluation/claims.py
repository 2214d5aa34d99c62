"""What a design says about itself, held against what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal, TypeAlias

from muslin._words import nearest
from muslin.analysis import Analysis
from muslin.design import Claim, Design, describe_shape
from muslin.errors import DesignError

if TYPE_CHECKING:
    from muslin.evaluation import Evaluation, Interval

Value: TypeAlias = float | tuple[int, ...]
Verdict: TypeAlias = Literal["holds", "does not hold", "not measured"]


@dataclass(frozen=True)
class Facts:
    """What is known when claims are checked; None for what this run did not measure.

    Attributes:
        analysis: the design's static figures, with the comparison if it has a baseline.
        training_images: how many images the network learned from.
        evaluation: the design's answers on the test split.
        baseline: the baseline's answers on the test split, trained in the same run.
    """

    analysis: Analysis
    training_images: int | None = None
    evaluation: Evaluation | None = None
    baseline: Evaluation | None = None


@dataclass(frozen=True)
class Measured:
    """A measured quantity.

    Attributes:
        value: a number, or a shape.
        interval: its 95% interval, where it comes from a sample of images.
    """

    value: Value
    interval: Interval | None = None


@dataclass(frozen=True)
class Checked:
    """A claim with its measurement and the verdict."""

    claim: Claim
    measured: Measured | None
    verdict: Verdict

    def __str__(self) -> str:
        measured = f" Measured: {self.found}." if self.measured else ""
        return f"{self.claim.says}{measured} {self.verdict.capitalize()}."

    @property
    def found(self) -> str:
        """What was measured, with its interval, in words; empty if nothing was."""
        if self.measured is None:
            return ""
        value, interval = self.measured.value, self.measured.interval
        words = f"{value:.2f} [{interval.low:.2f}, {interval.high:.2f}]" if interval else _words(value)
        return f"{words}{MEASURES[self.claim.measure].unit}"

    @property
    def expected(self) -> str:
        """What the claim expects, in words."""
        claim, unit = self.claim, MEASURES[self.claim.measure].unit
        parts = []
        if claim.equals is not None:
            parts.append(f"{_words(claim.equals)}{unit}")
        if claim.about is not None and claim.within is not None:
            parts.append(f"{_words(claim.about)} ± {_words(claim.within)}{unit}")
        if claim.at_least is not None and claim.at_most is not None:
            parts.append(f"{_words(claim.at_least)} to {_words(claim.at_most)}{unit}")
        elif claim.at_least is not None:
            parts.append(f"at least {_words(claim.at_least)}{unit}")
        elif claim.at_most is not None:
            parts.append(f"at most {_words(claim.at_most)}{unit}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Measure:
    """A quantity that claims may speak of.

    Attributes:
        meaning: what it is, for people.
        unit: what stands behind the number, a leading space included where one belongs.
        of_layer: whether a claim about it names a layer.
        take: reads it from the facts; None if this run did not measure it.
        shape: whether it is several whole numbers, such as height and width, and not one.
    """

    meaning: str
    unit: str
    of_layer: bool
    take: Callable[[Facts, str], Measured | None]
    shape: bool = False


def _known(value: Value | None) -> Measured | None:
    return None if value is None else Measured(value)


def _accuracy(evaluation: Evaluation | None) -> Measured | None:
    if evaluation is None:
        return None
    from muslin.evaluation import Interval  # noqa: PLC0415  (who only reads claims does without NumPy)

    low, high = evaluation.accuracy_interval
    return Measured(100 * evaluation.accuracy, Interval(100 * low, 100 * high))


def _gain(facts: Facts) -> Measured | None:
    if facts.evaluation is None or facts.baseline is None:
        return None
    from muslin.evaluation import compare  # noqa: PLC0415  (who only reads claims does without NumPy)

    improvement = compare(facts.evaluation, facts.baseline)
    return Measured(improvement.points, improvement.interval)


def _against_baseline(facts: Facts, field: Literal["parameters", "saved"]) -> Measured | None:
    comparison = facts.analysis.comparison
    return Measured(getattr(comparison, field)) if comparison else None


MEASURES: Mapping[str, Measure] = {
    "parameters": Measure("parameters of the design", "", False, lambda facts, _: Measured(facts.analysis.parameters)),
    "macs": Measure(
        "multiply-accumulate operations for one image", "", False, lambda facts, _: Measured(facts.analysis.macs)
    ),
    "baseline_parameters": Measure(
        "parameters of the baseline", "", False, lambda facts, _: _against_baseline(facts, "parameters")
    ),
    "parameters_saved": Measure(
        "how many per cent fewer parameters than the baseline",
        " %",
        False,
        lambda facts, _: _against_baseline(facts, "saved"),
    ),
    "output_shape": Measure(
        "shape that leaves a layer",
        "",
        True,
        lambda facts, layer: Measured(facts.analysis.layer(layer).output_shape),
        shape=True,
    ),
    "values_in": Measure(
        "how many values enter a layer",
        "",
        True,
        lambda facts, layer: Measured(prod(facts.analysis.layer(layer).input_shape)),
    ),
    "receptive_field": Measure(
        "height and width, in input pixels, of what one unit of a layer sees",
        "",
        True,
        lambda facts, layer: Measured(facts.analysis.layer(layer).receptive_field.size),
        shape=True,
    ),
    "training_images": Measure(
        "images that the network learned from", "", False, lambda facts, _: _known(facts.training_images)
    ),
    "test_accuracy": Measure("accuracy on the test split", " %", False, lambda facts, _: _accuracy(facts.evaluation)),
    "baseline_test_accuracy": Measure(
        "the baseline's accuracy on the test split", " %", False, lambda facts, _: _accuracy(facts.baseline)
    ),
    "accuracy_gain": Measure("test accuracy over the baseline's", " points", False, lambda facts, _: _gain(facts)),
}


def require_measurable(design: Design) -> None:
    """See that every claim of `design` speaks of a measure that exists, as it can be, before anything is trained.

    Raises:
        DesignError: one doesn't.
    """
    for number, claim in enumerate(design.claims, start=1):
        measure = MEASURES.get(claim.measure)
        if measure is None:
            meant = nearest(claim.measure, MEASURES)
            raise DesignError(
                f"design '{design.name}': claim {number}: measure = '{claim.measure}' is not known"
                + (f". Did you mean '{meant}'?" if meant else f"; there are {', '.join(MEASURES)}.")
            )
        if measure.of_layer != (claim.layer is not None):
            rule = "needs a layer" if measure.of_layer else "speaks of the whole design; leave layer out"
            raise DesignError(f"design '{design.name}': claim {number}: the measure '{claim.measure}' {rule}.")
        expected = [value for value in (claim.equals, claim.about, claim.at_least, claim.at_most) if value is not None]
        if any(isinstance(value, tuple) != measure.shape for value in expected):
            rule = "is a shape: equals = [18, 18], for example" if measure.shape else "is one number, not a list"
            raise DesignError(f"design '{design.name}': claim {number}: the measure '{claim.measure}' {rule}.")


def check(design: Design, facts: Facts) -> tuple[Checked, ...]:
    """Measure every claim of `design` and say whether it holds.

    A claim holds when the measured value meets the stated expectation; the interval stands beside it and does not
    soften the verdict.

    Raises:
        DesignError: a claim speaks of a measure that does not exist.

    >>> from muslin.analysis import analyze
    >>> from muslin.design import load_design
    >>> design = load_design("custom_cnn")
    >>> checked = check(design, Facts(analyze(design)))
    >>> [f"{row.claim.says} {row.found}: {row.verdict}." for row in checked if row.claim.layer == "conv3"][1]
    'conv3 sees the entire image, 28 × 28 pixels. 18×18: does not hold.'
    """
    require_measurable(design)
    return tuple(_check(claim, facts) for claim in design.claims)


def _check(claim: Claim, facts: Facts) -> Checked:
    measured = MEASURES[claim.measure].take(facts, claim.layer or "")
    if measured is None:
        return Checked(claim, None, "not measured")
    return Checked(claim, measured, "holds" if _meets(claim, measured.value) else "does not hold")


def _meets(claim: Claim, value: Value) -> bool:
    if claim.equals is not None and value != claim.equals:
        return False
    if isinstance(value, tuple):
        return True
    if claim.about is not None and claim.within is not None and abs(value - claim.about) > claim.within:
        return False
    if claim.at_least is not None and value < claim.at_least:
        return False
    return claim.at_most is None or value <= claim.at_most


def _words(value: Value) -> str:
    if isinstance(value, tuple):
        return describe_shape(value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0")
