"""The range of the pixels in files, found on the training images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from muslin.errors import DataError
from muslin.pictures.scaling import FULL, Scaling, shown

if TYPE_CHECKING:
    from jaxtyping import Num

__all__ = ["FULL", "Scaling", "find_scaling"]

# Highest values of pixels that are in use: masks, 2 to 4 bits, the digits of scikit-learn, 8 to 16 bits. Images of 5 to
# 7 bits cannot be told from dark ones of 8.
_TOPS = (1, 3, 7, 15, 16, 255, 1023, 4095, 16383, 65535)
_DARK = 16  # a whole set of 8-bit images whose brightest pixel is at most this was not made as 0–255
_OVERSHOOT = 0.1  # resizing lets pixels of 0–1 leave that range a little
_SEEN = 2**12  # images that show whether pixels have fractions


def find_scaling(images: Num[np.ndarray, "..."], name: str, given: tuple[float, float] | None = None) -> Scaling:
    """Find the range of pixels on the training images.

    Args:
        images: pixels of all training images.
        name: name of the images in messages.
        given: lowest and highest value, if a person named them (default None).

    Raises:
        DataError: pixels are not finite, or no range in use fits them.
    """
    if given is not None:
        return Scaling(low=given[0], high=given[1])
    if images.dtype == np.bool_:
        return Scaling(high=1)
    low, high = float(images.min()), float(images.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(f"{name} has pixels that are not finite numbers (NaN or infinity). Write the file again.")
    if images.dtype == np.uint8 and high > _DARK:
        return Scaling()
    fractions = images.dtype.kind == "f" and bool((images[:_SEEN] % 1 != 0).any())
    if fractions and -1 - _OVERSHOOT <= low < -_OVERSHOOT and high <= 1 + _OVERSHOOT:
        return Scaling(low=-1, high=1)
    if low < 0 and not (fractions and low >= -_OVERSHOOT):
        raise DataError(
            f"{name} has pixels from {shown(low)} to {shown(high)}. No known range has negative values like these; "
            "if they were standardized, use the images as they were before. Otherwise pass `pixel_range=` with the "
            'lowest and highest value, such as pixel_range="-1-1".'
        )
    if fractions and high <= 1 + _OVERSHOOT:
        return Scaling(high=1)
    top = next((top for top in _TOPS if top >= high), None)
    if top is None:
        raise DataError(
            f"{name} has pixels from {shown(low)} to {shown(high)}, more than 16 bits. Pass `pixel_range=` with the "
            'lowest and highest value that they can take, such as pixel_range="0-100000".'
        )
    return Scaling(high=max(top, 1))
