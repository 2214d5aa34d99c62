"""Which training images a network sees as most alike, and when it has seen nothing alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from muslin.design import Design, Dropout

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32, Int64

NEIGHBOUR = 10  # whose distance counts: one near image may be chance, ten are company
FALSE_ALARMS = 0.01  # the share of ordinary images that may be called unlike anything in training


def feature_layer(design: Design) -> str:
    """The layer whose output the last layer weighs: the network's summary of an image.

    >>> from muslin.design import load_design
    >>> feature_layer(load_design("custom_cnn"))
    'global_avg_pool'
    """
    # There is one: the last layer is dense and takes a row, images are none, so at least a flatten stands before it.
    return [layer.name for layer in design.layers[:-1] if not isinstance(layer, Dropout)][-1]


class Neighbours:
    """Training images in the space of the pooled features, searched exactly.

    Distances are Euclidean between the features' square roots (signs kept): strong features no longer drown the weak
    ones. On Fashion-MNIST, with one false alarm in a hundred, this tells noise, negatives, blank images and scribbles
    from clothes every time; plain features miss half of the blanks, features of unit length two thirds of the
    scribbles.

    Args:
        features: of the training images.
    """

    def __init__(self, features: Float32[np.ndarray, "image feature"]) -> None:
        from sklearn.neighbors import NearestNeighbors  # type: ignore[import-untyped]  # noqa: PLC0415  (takes a second)

        self._search = NearestNeighbors(n_neighbors=NEIGHBOUR, algorithm="brute").fit(_rooted(features))
        self._images = len(features)

    def find(
        self, features: Float32[np.ndarray, "image feature"], k: int = NEIGHBOUR
    ) -> tuple[Float32[np.ndarray, "image k"], Int64[np.ndarray, "image k"]]:
        """Distances and numbers of the `k` nearest training images, nearest first; of all, if there are fewer."""
        distances, numbers = self._search.kneighbors(_rooted(features), min(k, self._images))
        return distances.astype(np.float32), numbers

    def loneliness(self, features: Float32[np.ndarray, "image feature"]) -> Float32[np.ndarray, " image"]:
        """How far each image is from company: the distance to its tenth nearest training image."""
        return self.find(features)[0][:, -1]


@dataclass(frozen=True)
class Novelty:
    """When to say that an image is unlike anything in training.

    The distance to the k-th nearest training image, held against a threshold that images known to be ordinary rarely
    reach (Sun, Ming, Zhu & Li, "Out-of-Distribution Detection with Deep Nearest Neighbors", ICML 2022). The threshold
    is set on the validation images, which the network did not learn from; the rate of false alarms is then
    *measured* on the test images.

    Attributes:
        threshold: of `Neighbours.loneliness`; beyond it an image is called unlike anything in training.
        meant: the share of false alarms that the threshold was set for.
        measured: the share of test images beyond it; None if they were not looked at.
        images: how many test images that were.
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
        """Set the threshold on the loneliness of validation images, and measure it on that of test images."""
        threshold = float(np.quantile(validation, 1 - meant))
        if test is None:
            return cls(threshold, meant)
        return cls(threshold, meant, float((test > threshold).mean()), len(test))

    def unlike(self, loneliness: Float32[np.ndarray, " image"]) -> Bool[np.ndarray, " image"]:
        """Which images are unlike anything in training."""
        beyond: np.ndarray = loneliness > self.threshold
        return beyond


def _rooted(features: Float32[np.ndarray, "image feature"]) -> Float32[np.ndarray, "image feature"]:
    result: np.ndarray = np.sign(features) * np.sqrt(np.abs(features))
    return result
