"""The range that pixels have in files, and the way from it to bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from muslin._display import Described

if TYPE_CHECKING:
    from jaxtyping import Num, UInt8

EIGHT_BITS, SIXTEEN_BITS = 255, 65535
_CHUNK = 2**22  # values per step of a conversion, which bounds its memory


class Scaling(Described, BaseModel):
    """The range that pixels have in the files; every pixel is brought from it to 0–255.

    Attributes:
        low: value that becomes 0 (default 0).
        high: value that becomes 255 (default 255).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = 0.0
    high: float = 255.0

    @property
    def changes(self) -> bool:
        """Whether pixels change at all."""
        return (self.low, self.high) != (0.0, 255.0)

    def __str__(self) -> str:
        """The range in words, such as "0–16"."""
        between = "–" if self.low >= 0 else " to "
        return f"{shown(self.low)}{between}{shown(self.high)}"

    def bytes(self, images: Num[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
        """Bring pixels to bytes: rounded, and cut off outside the range.

        >>> Scaling(high=16).bytes(np.array([0, 8, 16, 20])).tolist()
        [0, 128, 255, 255]
        """
        if images.dtype == np.uint8 and not self.changes:
            return np.ascontiguousarray(images)
        flat = np.ascontiguousarray(images).reshape(-1)
        found = np.empty(flat.size, np.uint8)
        factor = 255 / (self.high - self.low)
        for start in range(0, flat.size, _CHUNK):
            chunk = flat[start : start + _CHUNK].astype(np.float64)
            found[start : start + _CHUNK] = np.floor(np.clip((chunk - self.low) * factor, 0, 255) + 0.5)
        return found.reshape(images.shape)

    def for_picture(self, pixels: Num[np.ndarray, "..."]) -> Scaling:
        """Return the range that counts for the pixels of a picture file, of 8 or 16 bits.

        The range of the training files counts if the picture's values lie in it and it has the picture's depth. A
        brighter picture has its full depth already.

        >>> dark, bright = np.array([0, 9], np.uint8), np.array([0, 200], np.uint8)
        >>> [str(Scaling(high=16).for_picture(pixels)) for pixels in (dark, bright)]
        ['0–16', '0–255']
        """
        deep = pixels.dtype != np.uint8
        if self.low == 0 and (self.high > EIGHT_BITS) == deep and bool((pixels <= self.high).all()):
            return self
        return Scaling(high=SIXTEEN_BITS) if deep else FULL

    def of_picture(self, pixels: Num[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
        """Bring the pixels of a picture file, of 8 or 16 bits, to bytes; see `for_picture`."""
        return self.for_picture(pixels).bytes(pixels)


FULL = Scaling()


def shown(value: float) -> str:
    """Write a pixel value.

    >>> shown(65535.0), shown(0.25)
    ('65,535', '0.25')
    """
    return f"{value:,.6g}"
