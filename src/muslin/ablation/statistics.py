"""The statistics of paired trials: effects with intervals, multiple tests, interim looks, and power.

All quantities are in percentage points. A difference is positive where the choice is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, isfinite, sqrt

import numpy as np
from scipy import optimize, stats  # type: ignore[import-untyped]

from muslin.evaluation import Interval

ALPHA = 0.05
POWER = 0.8
FEWEST_PAIRS = 2
MOST_SEEDS = 1_000  # beyond it, an estimate of further seeds is of no use
_RESAMPLES = 9_999
_TINY = 1e-12  # keeps rounding from making a variance negative
_SIMULATED = 200_000  # studies; the boundary's error rate is then exact to 0.05 points


@dataclass(frozen=True)
class Effect:
    """The mean of paired differences.

    Attributes:
        differences: difference for each seed.
        mean: mean of the differences.
        deviation: standard deviation of the differences, at least the rounding error of counting whole images.
        interval: confidence interval of the mean, from Student's t distribution.
        bootstrap: bias-corrected and accelerated bootstrap interval of the mean (Efron, "Better bootstrap confidence
            intervals", JASA 1987); None if it was not requested or there are fewer than three seeds.
        p: two-sided p-value of the paired t test (Student, "The probable error of a mean", Biometrika 1908).
    """

    differences: tuple[float, ...]
    mean: float
    deviation: float
    interval: Interval
    bootstrap: Interval | None
    p: float

    @property
    def seeds(self) -> int:
        """Number of paired seeds."""
        return len(self.differences)


def paired_effect(
    differences: Sequence[float],
    *,
    alpha: float = ALPHA,
    resolution: float = 0.0,
    most: float = inf,
    bootstrap: bool = False,
) -> Effect:
    """Compute the mean of paired differences with its confidence interval and test.

    Args:
        differences: difference for each seed, at least two.
        alpha: one minus the confidence level of the intervals (default 0.05).
        resolution: smallest step of a difference, 100 / images (default 0). The standard deviation is never taken to be
            smaller than the rounding error, resolution / √12: a smaller one is a coincidence of few seeds.
        most: largest possible difference, at which the interval ends (default: none).
        bootstrap: whether to compute the bootstrap interval as well (default False).

    Raises:
        ValueError: there are fewer than two differences.

    >>> effect = paired_effect([0.3, 0.5, 0.1, 0.4])
    >>> f"{effect.mean:.3f} [{effect.interval.low:.3f}, {effect.interval.high:.3f}], p = {effect.p:.3f}"
    '0.325 [0.053, 0.597], p = 0.032'
    """
    count = len(differences)
    if count < FEWEST_PAIRS:
        raise ValueError(f"{count} differences; an interval needs at least {FEWEST_PAIRS}")
    values = np.asarray(differences, dtype=float)
    mean = float(values.mean())
    deviation = max(float(values.std(ddof=1)), resolution / sqrt(12))
    error = deviation / sqrt(count)
    reach = float(stats.t.ppf(1 - alpha / 2, count - 1)) * error
    ratio = mean / error if error > 0 else (inf if mean else 0.0)
    return Effect(
        differences=tuple(float(value) for value in differences),
        mean=mean,
        deviation=deviation,
        interval=Interval(max(mean - reach, -most), min(mean + reach, most)),
        bootstrap=_bootstrap(values, alpha) if bootstrap else None,
        p=float(2 * stats.t.sf(abs(ratio), count - 1)),
    )


def _bootstrap(values: np.ndarray, alpha: float) -> Interval | None:
    if len(values) < 3 or np.ptp(values) == 0:
        return None
    found = stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=1 - alpha,
        n_resamples=_RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    low, high = float(found.low), float(found.high)
    return Interval(low, high) if isfinite(low) and isfinite(high) else None


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjust p-values for multiple tests, so that the family-wise error rate is at most the level of each test.

    Sorted p-values are multiplied by m, m − 1, …, 1, made non-decreasing, and cut at 1 (Holm, "A simple sequentially
    rejective multiple test procedure", Scandinavian Journal of Statistics 1979).

    Args:
        p_values: p-value of each test.

    Returns:
        The adjusted p-values, in the same order.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def detectable(seeds: int, deviation: float, *, power: float = POWER, alpha: float = ALPHA) -> float:
    """Compute the smallest difference that a two-sided paired t test detects with a given power.

    The power follows from the noncentral t distribution (Cohen, "Statistical Power Analysis for the Behavioral
    Sciences", 1988, ch. 2).

    Args:
        seeds: number of pairs, at least two.
        deviation: standard deviation of the paired differences.
        power: probability of detection (default 0.8).
        alpha: probability of a false detection (default 0.05).

    Returns:
        The difference, in the unit of `deviation`.

    >>> f"{detectable(5, 0.3):.2f}"
    '0.50'
    """
    critical = stats.t.ppf(1 - alpha / 2, seeds - 1)

    def missing(effect: float) -> float:
        # At 80% power the other tail is negligible.
        return float(stats.nct.sf(critical, seeds - 1, effect * sqrt(seeds))) - power

    return float(optimize.brentq(missing, 1e-6, 60.0)) * deviation


def seeds_needed(effect: Effect, margin: float, *, alpha: float = ALPHA) -> int | None:
    """Estimate how many seeds decide a contrast, if mean and standard deviation stay as they are.

    A contrast is decided if the interval excludes zero, or lies within ±margin.

    Args:
        effect: effect so far.
        margin: largest difference, in points, that does not matter.
        alpha: one minus the confidence level of the interval (default 0.05).

    Returns:
        The number of seeds; None if it is beyond 1,000.
    """
    counts = np.arange(max(FEWEST_PAIRS, effect.seeds), MOST_SEEDS + 1)
    reach = stats.t.ppf(1 - alpha / 2, counts - 1) * effect.deviation / np.sqrt(counts)
    decided = (abs(effect.mean) > reach) | (abs(effect.mean) + reach < margin)
    return int(counts[decided.argmax()]) if decided.any() else None


@cache
def sequential_alpha(looks: tuple[int, ...], alpha: float = ALPHA) -> float:
    """Compute the level of each interim look for which all looks together have the error rate `alpha`.

    The interval at that level is a repeated confidence interval: with probability 1 − alpha it contains the true
    difference at every look, so a verdict is valid at any of them (Jennison & Turnbull, "Interim analyses: the repeated
    confidence interval approach", JRSS B 1989). The level is the same at all looks, as in Pocock's design (Biometrika
    1977). Because t tests with few seeds are far from normal, the level is simulated: it is the alpha-quantile of the
    smallest p-value over the looks in 200,000 studies without an effect. The standard deviation cancels.

    Args:
        looks: number of seeds at each look, in increasing order.
        alpha: error rate of all looks together (default 0.05).

    Returns:
        The level of each look.

    >>> f"{sequential_alpha((5,)):.3f} {sequential_alpha((5, 7, 9, 11)):.3f}"
    '0.050 0.019'
    """
    if len(looks) == 1:
        return alpha
    generator = np.random.default_rng(20_250_101)
    values = generator.standard_normal((_SIMULATED, looks[-1]))
    sums, squares = values.cumsum(1), (values**2).cumsum(1)
    smallest = np.ones(_SIMULATED)
    for count in looks:
        mean = sums[:, count - 1] / count
        variance = np.maximum(squares[:, count - 1] - count * mean**2, _TINY) / (count - 1)
        smallest = np.minimum(smallest, 2 * stats.t.sf(np.abs(mean) / np.sqrt(variance / count), count - 1))
    return float(np.quantile(smallest, alpha))


def level(looks: tuple[int, ...]) -> float:
    """Return one minus the confidence level of the intervals of a study; a look at one seed has no interval.

    Args:
        looks: number of seeds at each look, in increasing order.

    >>> level((1, 5)) == level((5,)) == 0.05
    True
    """
    return sequential_alpha(tuple(count for count in looks if count >= FEWEST_PAIRS) or looks[-1:])


def looks_at(first: int, most: int, number: int = 8) -> tuple[int, ...]:
    """Return the numbers of seeds at which to look, evenly spaced.

    Args:
        first: seeds at the first look.
        most: seeds at the last look.
        number: largest number of looks (default 8).

    >>> looks_at(5, 20)
    (5, 7, 9, 11, 14, 16, 18, 20)
    >>> looks_at(5, 6)
    (5, 6)
    """
    return tuple(sorted({round(count) for count in np.linspace(first, most, number)}))
