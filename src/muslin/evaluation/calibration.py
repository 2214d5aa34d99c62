"""Whether a network that is 80% sure is right 80% of the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from muslin.evaluation.intervals import Interval, wilson

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

BINS = 15  # as in Guo et al. 2017


@dataclass(frozen=True)
class Bin:
    """The images whose confidence falls in one part of the 0–1 scale.

    Attributes:
        low: confidences above this …
        high: … up to and including this.
        images: how many.
        confidence: their mean confidence; the middle of the bin when it is empty.
        accuracy: the share of right answers among them; 0 when it is empty.
        interval: the accuracy's 95% interval (Wilson).
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Calibration:
    """Confidence held against accuracy.

    Attributes:
        error: expected calibration error, 0–1: |accuracy − confidence| of each bin, weighted by its images.
        confidence: mean confidence over all images.
        accuracy: share of right answers over all images.
        bins: equal in width, from 0 to 1.
    """

    error: float
    confidence: float
    accuracy: float
    bins: tuple[Bin, ...]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values; empty bins are left out."""
        return {
            "error": self.error,
            "mean_confidence": self.confidence,
            "bins": [
                {
                    "low": part.low,
                    "high": part.high,
                    "images": part.images,
                    "confidence": part.confidence,
                    "accuracy": part.accuracy,
                    "interval": list(part.interval),
                }
                for part in self.bins
                if part.images
            ],
        }


def calibrate(
    confidences: Float[np.ndarray, " image"], right: Bool[np.ndarray, " image"], *, bins: int = BINS
) -> Calibration:
    """Sort the answers into bins by confidence and hold each bin's confidence against its accuracy.

    The bins are ((m − 1)/M, m/M] (Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
    section 2).

    Args:
        confidences: the probability given to the answer, 0–1; at least one image.
        right: whether the answer was right.
        bins: M, how many bins.
    """
    confidences = confidences.astype(np.float64)
    edges = np.arange(bins + 1) / bins
    place = np.clip(np.searchsorted(edges, confidences, side="left") - 1, 0, bins - 1)
    images = np.bincount(place, minlength=bins)
    hits = np.bincount(place[right], minlength=bins)
    sums = np.bincount(place, weights=confidences, minlength=bins)
    gap = float(np.abs(hits - sums).sum())  # Σ images · |accuracy − confidence|
    return Calibration(
        error=gap / len(confidences),
        confidence=float(confidences.mean()),
        accuracy=float(right.mean()),
        bins=tuple(
            Bin(
                low=float(edges[m]),
                high=float(edges[m + 1]),
                images=int(images[m]),
                confidence=float(sums[m] / images[m]) if images[m] else float(edges[m] + edges[m + 1]) / 2,
                accuracy=float(hits[m] / images[m]) if images[m] else 0.0,
                interval=wilson(int(hits[m]), int(images[m])),
            )
            for m in range(bins)
        ),
    )
