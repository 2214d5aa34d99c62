"""Occlusion maps: the loss of probability when parts of an image are covered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, UInt8

MOST_PLACES = 196  # 14 × 14 positions: the resolution of a feature map after one pooling of a 28×28 image
PATCH_SHARE = 6  # ratio of the image's side to the patch's: 5 pixels for an image of 28


def occlusion_map(
    probabilities: Callable[[UInt8[np.ndarray, "image height width channel"]], Float[np.ndarray, "image class"]],
    image: UInt8[np.ndarray, "height width channel"],
    number: int,
) -> Float32[np.ndarray, "row column"]:
    """Compute how much probability a class loses when a patch of the image is covered.

    A patch of the image's mean color slides over the image in equal steps (Zeiler & Fergus, "Visualizing and
    Understanding Convolutional Networks", ECCV 2014, section 4.2). Only the network's predictions are needed, so this
    works for every design.

    Args:
        probabilities: function that predicts class probabilities for a batch of images.
        image: image as bytes, 0–255.
        number: number of the class.

    Returns:
        Losses of probability, −1 to 1, by position of the patch; negative where the class gains. The centers of the
        patches are evenly spaced over the image.
    """
    height, width, _ = image.shape
    patch = (max(height // PATCH_SHARE, 1) | 1, max(width // PATCH_SHARE, 1) | 1)  # odd, so that the patch has a center
    side = int(MOST_PLACES**0.5)
    rows, columns = (np.linspace(0, length - 1, min(length, side)).round().astype(int) for length in (height, width))
    ground = image.mean(axis=(0, 1)).round().astype(np.uint8)
    covered = np.repeat(image[None], len(rows) * len(columns) + 1, axis=0)  # the last copy stays uncovered
    for place, (row, column) in enumerate((row, column) for row in rows for column in columns):
        top, left = max(row - patch[0] // 2, 0), max(column - patch[1] // 2, 0)
        covered[place, top : row + patch[0] // 2 + 1, left : column + patch[1] // 2 + 1] = ground
    answers = probabilities(covered)[:, number]
    losses: np.ndarray = (answers[-1] - answers[:-1]).reshape(len(rows), len(columns))
    return losses.astype(np.float32)
