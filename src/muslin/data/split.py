"""Labeled images, and their split at random, by class and by group."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
    stays, drawn = draw(split.labels, fraction, seed)
    return split.subset(stays), split.subset(drawn)


def draw(
    labels: np.ndarray,
    fraction: float,
    seed: int,
    option: str = "validation_fraction",
    groups: Sequence[str] | None = None,
) -> tuple[Int64[np.ndarray, " stays"], Int64[np.ndarray, " drawn"]]:
    """Draw images at random, with the same proportion of every class.

    Args:
        labels: label of each image.
        fraction: share of the images to draw, between 0 and 1.
        seed: seed of the draw.
        option: name of the option that gives the fraction, for messages (default "validation_fraction").
        groups: group of each image (default None: each by itself). A group is drawn whole or not at all, so that the
            proportions hold only approximately; the folds are those of scikit-learn's `StratifiedGroupKFold`.

    Returns:
        Indices of the images that stay, and of those that are drawn.

    Raises:
        DataError: if the fraction is not between 0 and 1, or there are too few images or groups for both parts.
    """
    # The import takes a second, which `muslin analyze` does not need.
    from sklearn.model_selection import StratifiedGroupKFold, train_test_split  # type: ignore[import-untyped]  # noqa: PLC0415

    if not 0 < fraction < 1:
        raise DataError(f"`{option}={fraction}` must be between 0 and 1, exclusive, such as 0.1.")
    kind = option.removesuffix("_fraction")
    classes, counts = np.unique(labels, return_counts=True)
    if len(counts) and counts.min() == 1:
        raise DataError(
            f"class {classes[counts.argmin()]} has only one training image; every class needs at least two, one for "
            f"training and one for {'validation' if kind == 'validation' else 'the test'}. Add images, or remove the "
            "class."
        )
    try:
        if groups is None:
            # One image of every class at least, where the fraction asks for fewer.
            few = fraction * len(labels) < len(classes) and 2 * len(classes) <= len(labels)
            stays, drawn = train_test_split(
                np.arange(len(labels)),
                test_size=len(classes) if few else fraction,
                random_state=seed,
                stratify=labels,
            )
        else:
            # As many folds as the fraction asks for, or as there are groups.
            folds = max(min(round(1 / fraction), len(set(groups)), int(counts.min())), 2)
            kept = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
            stays, drawn = next(kept.split(labels, labels, groups))
    except ValueError as error:
        raise DataError(
            f"{count(len(labels), 'training image')} of {count(len(classes), 'class', 'classes')} cannot be split into "
            f"training and {kind} images: with {fraction:.0%} for {kind}, each part needs at least one image "
            f"of every class{'' if groups is None else ', and there must be enough groups'}. Add images, or change "
            f"`{option}=`."
        ) from error
    return stays, drawn


def groups_of(items: Sequence[str], pattern: str | None, name: str) -> list[str] | None:
    """Return the group of each image by a pattern in its name, or None without a pattern.

    Args:
        items: names of the images; empty if they have none.
        pattern: regular expression; the text of its first group counts, or that of the whole match.
        name: name of the images in messages.

    Raises:
        DataError: the images have no names, or some do not match.
    """
    if pattern is None:
        return None
    if not items:
        raise DataError(
            f"`group=` groups images by their names, but the images of {name} have none. Use image files in folders."
        )
    found = [re.search(pattern, item) for item in items]
    missing = [item for item, match in zip(items, found, strict=True) if match is None]
    if missing:
        raise DataError(
            f"`group={pattern!r}` does not match the names of {count(len(missing), 'image')} of {len(items):,}, such "
            f"as {missing[0]!r}. Every image needs a group."
        )
    return [match[match.re.groups and 1] or "" for match in found if match is not None]
