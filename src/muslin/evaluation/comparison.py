"""Two networks on the same images: how much better is one, and could it be luck?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from muslin.errors import RunError
from muslin.evaluation.evaluation import Evaluation
from muslin.evaluation.intervals import Interval, paired_difference


@dataclass(frozen=True)
class Improvement:
    """The first network's accuracy less the second's, image by image.

    Attributes:
        points: the difference in percentage points; negative when the first is worse.
        interval: its 95% interval in percentage points, for paired answers (Tango 1998). It covers the luck of which
            images were tested, not that of the training seed.
        p_value: McNemar's test, two-sided, mid-p: how likely a split at least this uneven of the images that only one
            gets right would be if both were equally good.
        only_first: images that only the first gets right.
        only_second: images that only the second gets right.
        images: all images.
    """

    points: float
    interval: Interval
    p_value: float
    only_first: int
    only_second: int
    images: int

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.points:+.2f} points [{low:+.2f}, {high:+.2f}], p = {self.p_value:.2g}"

    def __repr__(self) -> str:
        return f"Improvement({self})"

    def summary(self) -> dict[str, Any]:
        """The figures as plain values, ready for JSON."""
        return {
            "points": self.points,
            "interval": list(self.interval),
            "p_value": self.p_value,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "images": self.images,
        }


def compare(first: Evaluation, second: Evaluation) -> Improvement:
    """Hold `first` against `second` on the same images.

    Raises:
        RunError: they were not measured on the same images.
    """
    if not np.array_equal(first.labels, second.labels):
        raise RunError(
            f"The two evaluations are of different images ({len(first.labels):,} and {len(second.labels):,}, or other "
            "labels), so they can't be compared image by image. Evaluate both runs on the same test split."
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
    """The two-sided mid-p value of McNemar's test.

    Mid-p counts half of the observed outcome: the exact test is needlessly strict, the asymptotic one breaks its level
    on few disagreements (Fagerland, Lydersen & Laake, BMC Medical Research Methodology 2013).
    """
    from scipy.stats import binom  # type: ignore[import-untyped]  # noqa: PLC0415  (slow to import)

    disagreements, fewer = only_first + only_second, min(only_first, only_second)
    observed = float(binom.pmf(fewer, disagreements, 0.5))
    return min(2 * float(binom.cdf(fewer, disagreements, 0.5)) - observed, 1.0)
