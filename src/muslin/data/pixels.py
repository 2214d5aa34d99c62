"""The range of the pixels in files, and their conversion to bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from muslin._display import Described
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Num, UInt8

# Highest values of pixels that are in use: masks, 2 to 7 bits, the digits of scikit-learn, 8 to 16 bits.
_TOPS = (1, 3, 7, 15, 16, 31, 63, 127, 255, 1023, 4095, 16383, 65535)
_EIGHT_BITS, _SIXTEEN_BITS = 255, 65535
_DARK = 63  # a whole set of 8-bit images whose brightest pixel is at most this was not made as 0–255
_OVERSHOOT = 0.1  # resizing lets pixels of 0–1 leave that range a little
_SEEN = 2**12  # images that show whether pixels have fractions
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
        return (
            f"{_shown(self.low)}–{_shown(self.high)}" if self.low >= 0 else f"{_shown(self.low)} to {_shown(self.high)}"
        )

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

    def of_picture(self, pixels: Num[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
        """Bring the pixels of a picture file, of 8 or 16 bits, to bytes.

        The range of the training files counts if the picture's values lie in it and it has the picture's depth. A
        brighter picture has its full depth already.
        """
        deep = pixels.dtype != np.uint8
        full = Scaling(high=_SIXTEEN_BITS) if deep else Scaling()
        fits = self.low == 0 and (self.high > _EIGHT_BITS) == deep and bool((pixels <= self.high).all())
        return (self if fits else full).bytes(pixels)


FULL = Scaling()


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
            f"{name} has pixels from {_shown(low)} to {_shown(high)}. No known range has negative values like these; "
            "if they were standardized, use the images as they were before. Otherwise pass `pixel_range=` with the "
            'lowest and highest value, such as pixel_range="-1-1".'
        )
    if fractions and high <= 1 + _OVERSHOOT:
        return Scaling(high=1)
    top = next((top for top in _TOPS if top >= high and not (_DARK < top < _EIGHT_BITS)), None)
    if top is None:
        raise DataError(
            f"{name} has pixels from {_shown(low)} to {_shown(high)}, more than 16 bits. Pass `pixel_range=` with the "
            'lowest and highest value that they can take, such as pixel_range="0-100000".'
        )
    return Scaling(high=max(top, 1))


def _shown(value: float) -> str:
    return f"{value:,.6g}"
