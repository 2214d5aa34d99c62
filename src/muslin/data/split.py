"""Labeled images, and the stratified split of the training files into training and validation images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from muslin._words import count
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Int64, UInt8


@dataclass(frozen=True, eq=False)
class Split:
    """Labeled images of one split.

    Attributes:
        images: pixels as bytes, 0–255, shape (image, height, width, channel). Batches convert them to floats.
        labels: class numbers from 0, shape (image,).
    """

    images: UInt8[np.ndarray, "image height width channel"]
    labels: Int64[np.ndarray, " image"]

    def __repr__(self) -> str:
        return f"Split({len(self):,} images of {'×'.join(str(side) for side in self.images.shape[1:])})"

    def __len__(self) -> int:
        """The number of images."""
        return len(self.labels)

    def subset(self, indices: Int64[np.ndarray, " chosen"]) -> Split:
        """Select images by index, in the given order."""
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Files:
    """The data of a reader: the content of the training and test files, before the split and the audit.

    Attributes:
        train: all training images, in file order.
        test: all test images, in file order.
        train_name: name of the training labels in messages, e.g. "train-labels-idx1-ubyte.gz".
        test_name: name of the test labels in messages.
        class_names: names of the classes in the files (default None: the format has no names).
        most_classes: largest number of classes that may be unnamed (default None: no limit).

    Raises:
        DataError: if the training and test images differ in shape.
    """

    train: Split
    test: Split
    train_name: str
    test_name: str
    class_names: tuple[str, ...] | None = None
    most_classes: int | None = None

    def __post_init__(self) -> None:
        """Check that training and test images have the same shape."""
        train, test = self.train.images.shape[1:], self.test.images.shape[1:]
        if train != test:
            raise DataError(
                f"training images ({self.train_name}) have the shape {_times(train)}, but test images "
                f"({self.test_name}) have {_times(test)} (height × width × channels). Convert all images to one shape."
            )


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def stratified(split: Split, fraction: float, seed: int) -> tuple[Split, Split]:
    """Split images at random, with the same proportion of every class.

    The indices equal those of scikit-learn's `train_test_split(test_size=fraction, random_state=seed,
    stratify=labels)`.

    Args:
        split: images to split.
        fraction: share of the images to draw, between 0 and 1.
        seed: seed of the random split.

    Returns:
        The remaining images and the drawn images.

    Raises:
        DataError: if the fraction is not between 0 and 1, or a class has too few images for both parts.
    """
    # The import takes a second, which `muslin analyze` does not need.
    from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]  # noqa: PLC0415

    if not 0 < fraction < 1:
        raise DataError(f"`validation_fraction={fraction}` must be between 0 and 1, exclusive. The default is 0.1.")
    classes, counts = np.unique(split.labels, return_counts=True)
    if len(counts) and counts.min() == 1:
        raise DataError(
            f"class {classes[counts.argmin()]} has only one training image; every class needs at least two, one for "
            "training and one for validation. Add images, or remove the class."
        )
    try:
        stays, drawn = train_test_split(
            np.arange(len(split)), test_size=fraction, random_state=seed, stratify=split.labels
        )
    except ValueError as error:
        raise DataError(
            f"{count(len(split), 'training image')} of {count(len(classes), 'class', 'classes')} cannot be split into "
            f"training and validation images: with {fraction:.0%} for validation, each part needs at least one image "
            "of every class. Add images, or change `validation_fraction=`."
        ) from error
    return split.subset(stays), split.subset(drawn)
