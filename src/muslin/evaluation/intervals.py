"""95% confidence intervals for proportions, and for the difference between two paired proportions."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose, sqrt
from sys import float_info
from typing import NamedTuple

NORMAL_975 = 1.959963984540054  # the 97.5% point of the standard normal distribution: two-sided 95%
_TOLERANCE = 1e-15  # absolute error of a bound: the precision of float64


class Interval(NamedTuple):
    """A 95% confidence interval, in the unit of the estimate."""

    low: float
    high: float


def wilson(hits: int, trials: int) -> Interval:
    """Compute the 95% score interval of a proportion, on the 0–1 scale.

    The interval stays inside 0–1 and keeps its coverage near 0 and 1, where ±1.96 standard errors does not (Wilson,
    "Probable inference, the law of succession, and statistical inference", JASA 1927).

    Args:
        hits: number of successes.
        trials: number of trials. If it is 0, the interval is (0, 1).

    >>> low, high = wilson(9154, 10_000)
    >>> f"{low:.4f}–{high:.4f}"
    '0.9098–0.9207'
    """
    if trials == 0:
        return Interval(0.0, 1.0)
    share, z2 = hits / trials, NORMAL_975**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    reach = NORMAL_975 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    # At 0 and 1 one bound equals the proportion; rounding must not move it outside.
    return Interval(0.0 if hits == 0 else middle - reach, 1.0 if hits == trials else middle + reach)


def paired_difference(only_first: int, only_second: int, images: int) -> Interval:
    """Compute the 95% score interval of the difference between two accuracies on the same images, from −1 to 1.

    The interval is the set of differences Δ that the score test does not reject (Tango, "Equivalence test and
    confidence interval for the difference in proportions for the paired-sample design", Statistics in Medicine 1998).
    At Δ = 0 the test is McNemar's. Only images on which the networks disagree contribute, so the interval is narrower
    than two separate intervals suggest.

    Args:
        only_first: number of images that only the first network classifies correctly.
        only_second: number of images that only the second network classifies correctly.
        images: number of all images; at least one, and at least `only_first + only_second`.
    """

    def score(difference: float) -> float:
        slope = (2 * images - only_first + only_second) * difference - only_first - only_second
        product = -only_second * difference * (1 - difference)
        # The maximum-likelihood estimate of the share of `only_second`, given the difference.
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
    """Find the zero of a decreasing function, or the end where it does not change its sign.

    Bisection needs only the signs of the score, which is infinite at −1 and 1.
    """
    from scipy import optimize  # type: ignore[import-untyped]  # noqa: PLC0415  (only comparing two networks needs it)

    if falling(low) <= 0:
        return low
    if falling(high) >= 0:
        return high
    root: float = optimize.bisect(falling, low, high, xtol=_TOLERANCE, rtol=4 * float_info.epsilon)
    return root
