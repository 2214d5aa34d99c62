"""Nearest training images in feature space, and the detection of images unlike any in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from muslin.design import Design, Dropout

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32, Int64

NEIGHBOUR = 10  # rank of the neighbor whose distance counts; a single near image may be a coincidence
FALSE_ALARMS = 0.01  # intended share of ordinary images that are reported as unlike any training image


def feature_layer(design: Design) -> str:
    """Return the name of the layer whose output the last layer weights: the network's features of an image.

    >>> from muslin.design import load_design
    >>> feature_layer(load_design("custom_cnn"))
    'global_avg_pool'
    """
    # Such a layer always exists: the last layer needs a vector, so at least a flatten precedes it.
    return [layer.name for layer in design.layers[:-1] if not isinstance(layer, Dropout)][-1]


class Neighbours:
    """Exact nearest-neighbor search among the training images, in the space of the pooled features.

    Distances are Euclidean between signed square roots of the features, so that strong features do not dominate weak
    ones. On Fashion-MNIST, at 1% false alarms, this distinguishes all noise images, negatives, blank images and
    scribbles from clothes. Plain features miss half of the blank images, and features of unit length miss two thirds
    of the scribbles.

    Args:
        features: features of the training images, shape (image, feature).
    """

    def __init__(self, features: Float32[np.ndarray, "image feature"]) -> None:
        from sklearn.neighbors import NearestNeighbors  # type: ignore[import-untyped]  # noqa: PLC0415  (takes a second)

        self._search = NearestNeighbors(n_neighbors=NEIGHBOUR, algorithm="brute").fit(_rooted(features))
        self._images = len(features)

    def find(
        self, features: Float32[np.ndarray, "image feature"], k: int = NEIGHBOUR
    ) -> tuple[Float32[np.ndarray, "image k"], Int64[np.ndarray, "image k"]]:
        """Find the nearest training images.

        Args:
            features: features of the images to look up, shape (image, feature).
            k: largest number of neighbors to return per image (default 10).

        Returns:
            Distances and indices of the nearest training images, nearest first, each of shape (image, k).
        """
        distances, numbers = self._search.kneighbors(_rooted(features), min(k, self._images))
        return distances.astype(np.float32), numbers

    def loneliness(self, features: Float32[np.ndarray, "image feature"]) -> Float32[np.ndarray, " image"]:
        """Compute the distance from each image to its tenth nearest training image."""
        return self.find(features)[0][:, -1]


@dataclass(frozen=True)
class Novelty:
    """A threshold above which an image counts as unlike any training image.

    The distance to the k-th nearest training image is compared with a threshold that ordinary images rarely exceed
    (Sun, Ming, Zhu & Li, "Out-of-Distribution Detection with Deep Nearest Neighbors", ICML 2022). The threshold is set
    on the validation images, which the network was not trained on. The false-alarm rate is then *measured* on the test
    images.

    Attributes:
        threshold: threshold of `Neighbours.loneliness`.
        meant: intended false-alarm rate, 0–1.
        measured: share of test images above the threshold, 0–1 (default None: not measured).
        images: number of test images that were measured (default 0).
    """

    threshold: float
    meant: float
    measured: float | None = None
    images: int = 0

    @classmethod
    def calibrate(
        cls,
        validation: Float32[np.ndarray, " image"],
        test: Float32[np.ndarray, " image"] | None = None,
        *,
        meant: float = FALSE_ALARMS,
    ) -> Novelty:
        """Set the threshold on validation images, and measure the false-alarm rate on test images.

        Args:
            validation: `Neighbours.loneliness` of the validation images.
            test: `Neighbours.loneliness` of the test images (default None: do not measure).
            meant: intended false-alarm rate, 0–1 (default 0.01).
        """
        threshold = float(np.quantile(validation, 1 - meant))
        if test is None:
            return cls(threshold, meant)
        return cls(threshold, meant, float((test > threshold).mean()), len(test))

    def unlike(self, loneliness: Float32[np.ndarray, " image"]) -> Bool[np.ndarray, " image"]:
        """Return which images are unlike any training image.

        Args:
            loneliness: `Neighbours.loneliness` of the images.
        """
        beyond: np.ndarray = loneliness > self.threshold
        return beyond


def _rooted(features: Float32[np.ndarray, "image feature"]) -> Float32[np.ndarray, "image feature"]:
    result: np.ndarray = np.sign(features) * np.sqrt(np.abs(features))
    return result
