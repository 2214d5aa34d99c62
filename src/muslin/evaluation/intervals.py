"""95% intervals for shares, and for the difference between two shares of the same images."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose, sqrt
from sys import float_info
from typing import NamedTuple

NORMAL_975 = 1.959963984540054  # the 97.5% point of the standard normal distribution: two-sided 95%
_TOLERANCE = 1e-15  # of a bound: float64's precision


class Interval(NamedTuple):
    """A 95% interval, in the unit of what it surrounds."""

    low: float
    high: float


def wilson(hits: int, trials: int) -> Interval:
    """The 95% score interval of a share of `hits` in `trials`, on the 0–1 scale.

    Stays inside 0–1 and keeps its coverage near the ends, where the textbook's ±1.96 standard errors fails (Wilson,
    "Probable inference, the law of succession, and statistical inference", JASA 1927). Without trials it is (0, 1).

    >>> low, high = wilson(9154, 10_000)
    >>> f"{low:.4f}–{high:.4f}"
    '0.9098–0.9207'
    """
    if trials == 0:
        return Interval(0.0, 1.0)
    share, z2 = hits / trials, NORMAL_975**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    reach = NORMAL_975 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    # At the ends one bound is the share itself; rounding must not push it outside.
    return Interval(0.0 if hits == 0 else middle - reach, 1.0 if hits == trials else middle + reach)


def paired_difference(only_first: int, only_second: int, images: int) -> Interval:
    """The 95% score interval of the difference between two accuracies on the same images, on the scale −1 to 1.

    Only the images on which the two disagree tell them apart, which makes it narrower than two separate intervals
    suggest. It is the set of differences Δ that the score test does not reject (Tango, "Equivalence test and confidence
    interval for the difference in proportions for the paired-sample design", Statistics in Medicine 1998); at Δ = 0
    that test is McNemar's.

    Args:
        only_first: images that only the first gets right.
        only_second: images that only the second gets right.
        images: all images, at least `only_first + only_second` and at least one.
    """

    def score(difference: float) -> float:
        slope = (2 * images - only_first + only_second) * difference - only_first - only_second
        product = -only_second * difference * (1 - difference)
        # The maximum-likelihood share of `only_second`, given the difference.
        share = (sqrt(max(slope**2 - 8 * images * product, 0.0)) - slope) / (4 * images)
        deviation = sqrt(max(images * (2 * share + difference * (1 - difference)), 0.0))
        gap = only_first - only_second - images * difference
        if deviation > 0:
            return gap / deviation
        return 0.0 if isclose(gap, 0, abs_tol=1e-9) else gap * float("inf")

    estimate = (only_first - only_second) / images
    return Interval(
        _root(lambda difference: score(difference) - NORMAL_975, -1.0, estimate),
        _root(lambda difference: score(difference) + NORMAL_975, estimate, 1.0),
    )


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """The zero of a falling function, or the end where it does not change its sign.

    Bisection, because the score is infinite at −1 and 1.
    """
    from scipy import optimize  # noqa: PLC0415  (only comparing two networks needs it)

    if falling(low) <= 0:
        return low
    if falling(high) >= 0:
        return high
    root: float = optimize.bisect(falling, low, high, xtol=_TOLERANCE, rtol=4 * float_info.epsilon)
    return root
