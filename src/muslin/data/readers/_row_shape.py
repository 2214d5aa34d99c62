"""The shape of images whose pixels stand in one row."""

from __future__ import annotations

import math

from muslin.data.reading import Reading
from muslin.errors import DataError

_COLOR_SIDES = frozenset((8, 16, 24, 28, 32, 48, 56, 64))  # of square color images in use
_SLIMMEST = 4  # the longer side of a shape that a message proposes is at most this multiple of the shorter one
_PROPOSED = 4  # shapes that a message proposes
LEAST_PIXELS = 4


def shape_of_row(pixels: int, reading: Reading) -> tuple[int, int, int] | None:
    """Return height, width and channels of an image by its number of pixel values, or None if they are not known.

    A square gray image; or a square color image with the three values of each pixel side by side, if its side is a
    usual one, since 40×30 gray pixels are as many as 20×20 in color. `size` and `color` say otherwise.

    >>> shape_of_row(784, Reading()), shape_of_row(2352, Reading()), shape_of_row(1200, Reading(size=(30, 40)))
    ((28, 28, 1), (28, 28, 3), (30, 40, 1))
    """
    if pixels < LEAST_PIXELS:
        return None
    for channels in {"gray": (1,), "rgb": (3,), None: (1, 3)}[reading.color]:
        places, left = divmod(pixels, channels)
        height, width = reading.size or (math.isqrt(places),) * 2
        usual = channels == 1 or reading.size is not None or reading.color is not None or height in _COLOR_SIDES
        if not left and height * width == places and usual:
            return height, width, channels
    return None


def require_shape(pixels: int, reading: Reading, whose: str) -> tuple[int, int, int]:
    """Return the shape, as `shape_of_row`.

    Args:
        pixels: number of pixel values.
        reading: how files are read.
        whose: subject of the message, such as "train.csv has 1,200 pixel columns".

    Raises:
        DataError: it is not known.
    """
    shape = shape_of_row(pixels, reading)
    if shape is not None:
        return shape
    kind = {"gray": " of a gray image", "rgb": " of a color image", None: ""}[reading.color]
    if reading.size is not None:
        height, width = reading.size
        raise DataError(
            f"{whose}, which are not the pixels{kind} of `size={height}x{width}`: that has {height * width:,} gray "
            f"values or {3 * height * width:,} of red, green and blue.{_proposed(pixels, reading)}"
        )
    raise DataError(
        f"{whose}; the number must be a square, such as 784 for 28×28, or that of a usual color image, such as 2,352 "
        f"for 28×28×3, unless the shape is given.{_proposed(pixels, reading)}"
    )


def _proposed(pixels: int, reading: Reading) -> str:
    pairs: list[tuple[int, int]] = []
    for channels in (1,) if reading.color == "gray" else (3,) if reading.color == "rgb" else (1, 3):
        places, left = divmod(pixels, channels)
        if left:
            continue
        short = next(
            (side for side in range(math.isqrt(places), 1, -1) if not places % side and places <= side**2 * _SLIMMEST),
            None,
        )
        if short is not None and (short**2 < places or channels == 1):  # `color=rgb` says it of a square
            pairs += [(short, places // short), (places // short, short)]
    words = [f"`size={height}x{width}`" for height, width in dict.fromkeys(pairs[:_PROPOSED])]
    if not words:
        return " Check that no column is missing, and that no other column was taken for a pixel."
    side = math.isqrt(pixels // 3)
    color = f", or `color=rgb` for color images of {side}×{side}" if 3 * side**2 == pixels and not reading.color else ""
    return f" Pass the height and width of the images, perhaps {', '.join(words)}{color}."
