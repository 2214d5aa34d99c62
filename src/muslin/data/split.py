"""Labelled images, and the stratified split of the training files into training and validation."""

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
    """Labelled images of one split.

    Attributes:
        images: pixels 0–255 as uint8, shape (image, height, width, channel). They stay bytes until the batch.
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
        """The images at `indices`, in that order."""
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Files:
    """What a reader found: the training and the test files as they stand, before the split and the audit.

    Raises `DataError` when the images of the two differ in shape.

    Attributes:
        train: every training image, in file order.
        test: every test image, in file order.
        train_name: what a message calls the place of the training labels, e.g. "train-labels-idx1-ubyte.gz".
        test_name: the same for the test labels.
        class_names: the names that the files give their classes; None where the format has no room for names.
        most_classes: more classes than this need names from the person; None where any number will do.
    """

    train: Split
    test: Split
    train_name: str
    test_name: str
    class_names: tuple[str, ...] | None = None
    most_classes: int | None = None

    def __post_init__(self) -> None:
        """Check that training and test images are of one shape."""
        train, test = self.train.images.shape[1:], self.test.images.shape[1:]
        if train != test:
            raise DataError(
                f"The training images ({self.train_name}) are {_times(train)}, the test images ({self.test_name}) "
                f"{_times(test)} (height × width × channels); all must be alike."
            )


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def stratified(split: Split, fraction: float, seed: int) -> tuple[Split, Split]:
    """Draw `fraction` of the images at random, the same share of every class: (what stays, what was drawn).

    The indices are those of scikit-learn's `train_test_split(test_size=fraction, random_state=seed, stratify=labels)`.

    Raises:
        DataError: the fraction isn't between 0 and 1, or some class has too few images for a place on both sides.
    """
    # A second of import, which `muslin analyze` avoids.
    from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]  # noqa: PLC0415

    if not 0 < fraction < 1:
        raise DataError(f"The validation fraction is {fraction}; it must lie between 0 and 1. Try 0.1.")
    classes, counts = np.unique(split.labels, return_counts=True)
    if len(counts) and counts.min() == 1:
        raise DataError(
            f"Class {classes[counts.argmin()]} has one training image; each needs at least two, one to "
            "train on and one to validate with. Add images, or leave the class out."
        )
    try:
        stays, drawn = train_test_split(
            np.arange(len(split)), test_size=fraction, random_state=seed, stratify=split.labels
        )
    except ValueError as error:
        raise DataError(
            f"{count(len(split), 'training image')} of {count(len(classes), 'class', 'classes')} can't be split into "
            f"training and validation: {fraction:.0%} must leave at least one image of every class on either side. "
            "Add images, or change the fraction."
        ) from error
    return split.subset(stays), split.subset(drawn)
