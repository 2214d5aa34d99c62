"""The check of a design's claims against measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from muslin._display import line, panel, shortened, table
from muslin._words import count, nearest
from muslin.design import Claim, Design, describe_shape
from muslin.errors import DesignError
from muslin.evaluation.measures import MEASURES, Facts, Measured, Value

Verdict: TypeAlias = Literal["holds", "does not hold", "not measured"]


@dataclass(frozen=True)
class Checked:
    """A claim with its measurement and verdict.

    Attributes:
        claim: claim that was checked.
        measured: measured quantity; None if the run did not measure it.
        verdict: "holds", "does not hold" or "not measured".
    """

    claim: Claim
    measured: Measured | None
    verdict: Verdict

    def __str__(self) -> str:
        measured = f" Measured: {self.found}." if self.measured else ""
        return f"{self.claim.says}{measured} {self.verdict.capitalize()}."

    def __repr__(self) -> str:
        return line("Checked", repr(shortened(self.claim.says, 90)), self.verdict)

    @property
    def found(self) -> str:
        """The measured value with its interval and unit, in words; empty if nothing was measured."""
        if self.measured is None:
            return ""
        value, interval, unit = self.measured.value, self.measured.interval, MEASURES[self.claim.measure].unit
        if interval is None:
            return f"{_words(value)}{unit}"
        if unit == "%":
            return f"{value:.2f}% [{interval.low:.2f}%, {interval.high:.2f}%]"
        return f"{value:.2f} [{interval.low:.2f}, {interval.high:.2f}]{unit}"

    @property
    def expected(self) -> str:
        """The expected value of the claim, in words."""
        claim, unit = self.claim, MEASURES[self.claim.measure].unit
        percent = "%" if unit == "%" else ""  # stands after every number; other units only at the end
        parts = []
        if claim.equals is not None:
            parts.append(f"{_words(claim.equals)}{unit}")
        if claim.about is not None and claim.within is not None:
            parts.append(f"{_words(claim.about)}{percent} ± {_words(claim.within)}{unit}")
        if claim.at_least is not None and claim.at_most is not None:
            parts.append(f"{_words(claim.at_least)}{percent} to {_words(claim.at_most)}{unit}")
        elif claim.at_least is not None:
            parts.append(f"at least {_words(claim.at_least)}{unit}")
        elif claim.at_most is not None:
            parts.append(f"at most {_words(claim.at_most)}{unit}")
        return ", ".join(parts)


class CheckedClaims(tuple[Checked, ...]):
    """The claims of a design with their verdicts, in the design's order."""

    __slots__ = ()

    def __repr__(self) -> str:
        verdicts = [each.verdict for each in self]
        kinds: tuple[Verdict, ...] = ("holds", "does not hold", "not measured")
        return line("CheckedClaims", *(f"{verdicts.count(kind)} × {kind}" for kind in kinds if kind in verdicts))

    def _repr_html_(self) -> str:
        rows = [(each.claim.says, each.expected, each.found, each.verdict) for each in self]
        heads = ("claim", "expected", "measured", "verdict")
        return panel("Claims", count(len(self), "claim"), table(heads, rows, text=(0, 1, 2, 3)))


def require_measurable(design: Design) -> None:
    """Ensure that every claim of a design can be measured, before anything is trained.

    Raises:
        DesignError: if a claim is about an unknown measure, lacks a layer or has one too many, or expects a value of
            the wrong kind.
    """
    for number, claim in enumerate(design.claims, start=1):
        measure = MEASURES.get(claim.measure)
        if measure is None:
            meant = nearest(claim.measure, MEASURES)
            raise DesignError(
                f"design '{design.name}': claim {number}: unknown measure '{claim.measure}'"
                + (f". Did you mean '{meant}'?" if meant else f"; the measures are {', '.join(MEASURES)}.")
            )
        if measure.of_layer != (claim.layer is not None):
            rule = "needs a layer" if measure.of_layer else "is about the whole design; remove layer"
            raise DesignError(f"design '{design.name}': claim {number}: the measure '{claim.measure}' {rule}.")
        expected = [value for value in (claim.equals, claim.about, claim.at_least, claim.at_most) if value is not None]
        if any(isinstance(value, tuple) != measure.shape for value in expected):
            rule = "is a shape, e.g. equals = [18, 18]" if measure.shape else "is a number, not a list"
            raise DesignError(f"design '{design.name}': claim {number}: the measure '{claim.measure}' {rule}.")


def check(design: Design, facts: Facts) -> tuple[Checked, ...]:
    """Check every claim of a design.

    A claim holds if the measured value meets the expectation. The interval is reported, but does not affect the
    verdict.

    Args:
        design: design whose claims are checked.
        facts: measurements to check against.

    Raises:
        DesignError: if a claim is about an unknown measure.

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
