"""Comparison of two networks on the same images: the difference in accuracy and its significance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from muslin._words import signed
from muslin.errors import RunError
from muslin.evaluation.evaluation import Evaluation
from muslin.evaluation.intervals import Interval, paired_difference


@dataclass(frozen=True)
class Improvement:
    """The accuracy of a first network minus that of a second, from paired predictions.

    Attributes:
        points: difference in accuracy, in percentage points; negative if the first network is worse.
        interval: 95% interval of the difference for paired predictions, in percentage points (Tango 1998). It reflects
            the choice of test images, not seed-to-seed variation.
        p_value: two-sided mid-p value of McNemar's test: the probability of at least so uneven a split of the images
            that only one network classifies correctly, if both networks were equally good.
        only_first: number of images that only the first network classifies correctly.
        only_second: number of images that only the second network classifies correctly.
        images: number of all images.
    """

    points: float
    interval: Interval
    p_value: float
    only_first: int
    only_second: int
    images: int

    def __str__(self) -> str:
        low, high = self.interval
        return f"{signed(self.points)} points [{signed(low)}, {signed(high)}], p = {self.p_value:.2g}"

    def __repr__(self) -> str:
        return f"Improvement({self})"

    def summary(self) -> dict[str, Any]:
        """Convert to plain values for JSON."""
        return {
            "points": self.points,
            "interval": list(self.interval),
            "p_value": self.p_value,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "images": self.images,
        }


def compare(first: Evaluation, second: Evaluation) -> Improvement:
    """Compare two evaluations on the same images.

    Args:
        first: evaluation of the first network.
        second: evaluation of the second network.

    Raises:
        RunError: if the evaluations are of different images.
    """
    if not np.array_equal(first.labels, second.labels):
        raise RunError(
            f"evaluations of different images ({len(first.labels):,} and {len(second.labels):,}, or with different "
            "labels) cannot be compared image by image. Evaluate both runs on the same test split."
        )
    only_first = int((first.right & ~second.right).sum())
    only_second = int((second.right & ~first.right).sum())
    images = len(first.labels)
    low, high = paired_difference(only_first, only_second, images)
    return Improvement(
        points=100 * (only_first - only_second) / images,
        interval=Interval(100 * low, 100 * high),
        p_value=_mcnemar(only_first, only_second),
        only_first=only_first,
        only_second=only_second,
        images=images,
    )


def _mcnemar(only_first: int, only_second: int) -> float:
    """Compute the two-sided mid-p value of McNemar's test.

    The mid-p value counts half of the probability of the observed outcome. The exact test is overly conservative; the
    asymptotic test exceeds its level when disagreements are few (Fagerland, Lydersen & Laake, BMC Medical Research
    Methodology 2013).
    """
    from scipy.stats import binom  # type: ignore[import-untyped]  # noqa: PLC0415  (slow to import)

    disagreements, fewer = only_first + only_second, min(only_first, only_second)
    observed = float(binom.pmf(fewer, disagreements, 0.5))
    return min(2 * float(binom.cdf(fewer, disagreements, 0.5)) - observed, 1.0)
