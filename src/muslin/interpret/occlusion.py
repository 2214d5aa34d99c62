"""Which parts of an image a network needs: cover each in turn and see what it loses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, UInt8

MOST_PLACES = 196  # 14 × 14: as fine as a feature map after one pooling of a 28×28 image
PATCH_SHARE = 6  # the patch's side is the image's by this: 5 pixels of 28


def occlusion_map(
    probabilities: Callable[[UInt8[np.ndarray, "image height width channel"]], Float[np.ndarray, "image class"]],
    image: UInt8[np.ndarray, "height width channel"],
    number: int,
) -> Float32[np.ndarray, "row column"]:
    """How much probability class `number` loses when a patch of the image is covered; negative where it gains.

    A square of the image's mean colour slides over it in equal steps (Zeiler & Fergus, "Visualizing and Understanding
    Convolutional Networks", ECCV 2014, section 4.2). Nothing is known of the network but its answers, so this works for
    every design.

    Args:
        probabilities: the network's answers for a stack of images.
        image: bytes 0–255.
        number: the class.

    Returns:
        Losses, −1 to 1, one per place of the patch: its centres lie evenly over the image.
    """
    height, width, _ = image.shape
    patch = (max(height // PATCH_SHARE, 1) | 1, max(width // PATCH_SHARE, 1) | 1)  # odd, so that it has a centre
    side = int(MOST_PLACES**0.5)
    rows, columns = (np.linspace(0, length - 1, min(length, side)).round().astype(int) for length in (height, width))
    ground = image.mean(axis=(0, 1)).round().astype(np.uint8)
    covered = np.repeat(image[None], len(rows) * len(columns) + 1, axis=0)  # the last stays whole
    for place, (row, column) in enumerate((row, column) for row in rows for column in columns):
        top, left = max(row - patch[0] // 2, 0), max(column - patch[1] // 2, 0)
        covered[place, top : row + patch[0] // 2 + 1, left : column + patch[1] // 2 + 1] = ground
    answers = probabilities(covered)[:, number]
    losses: np.ndarray = (answers[-1] - answers[:-1]).reshape(len(rows), len(columns))
    return losses.astype(np.float32)
