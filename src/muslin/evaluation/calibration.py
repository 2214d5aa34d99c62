"""Calibration: whether predictions with 80% confidence are correct 80% of the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from muslin.evaluation.intervals import Interval, wilson

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

BINS = 15  # number of bins, as in Guo et al. 2017


@dataclass(frozen=True)
class Bin:
    """The images whose confidence falls into one bin.

    Attributes:
        low: lower bound of the confidence, exclusive, 0–1.
        high: upper bound of the confidence, inclusive, 0–1.
        images: number of images in the bin.
        confidence: mean confidence, 0–1; the middle of the bin if it is empty.
        accuracy: share of correct predictions, 0–1; 0 if the bin is empty.
        interval: 95% interval of the accuracy (Wilson), 0–1.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Calibration:
    """Confidence compared with accuracy.

    Attributes:
        error: expected calibration error, 0–1: the mean of |accuracy − confidence| over the bins, weighted by their
            number of images.
        confidence: mean confidence over all images, 0–1.
        accuracy: share of correct predictions over all images, 0–1.
        bins: bins of equal width, from 0 to 1.
    """

    error: float
    confidence: float
    accuracy: float
    bins: tuple[Bin, ...]

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values for JSON, without empty bins."""
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
    """Sort predictions into bins by confidence, and compare the confidence of each bin with its accuracy.

    The bins are ((m − 1)/M, m/M] (Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
    section 2).

    Args:
        confidences: probability of each prediction, 0–1; at least one image.
        right: whether each prediction is correct.
        bins: number of bins M (default 15).
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
