"""Decoding of image files of one size: PNG, JPEG, BMP and WebP, gray or color."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muslin._words import count
from muslin.data._reading import MOST_BYTES
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import UInt8
    from PIL import Image

# Formats of data sets only: Pillow's rarer formats would add attack surface, and EPS starts an external program.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
# Largest number of pixels in one image. Designs are for small images; 16 megapixels is the size of a photo.
MOST_PIXELS = 2**24
# Target mode, with one or three channels, for each mode of Pillow. Transparency is dropped.
_BECOMES = {
    "1": "L",
    "L": "L",
    "LA": "L",
    "P": "RGB",
    "PA": "RGB",
    "RGB": "RGB",
    "RGBA": "RGB",
    "CMYK": "RGB",
    "YCbCr": "RGB",
}
_CHANNELS = {"L": 1, "RGB": 3}
_CHUNK = 512  # number of images per task of the thread pool


def decode(
    encoded: Sequence[bytes | Path], name: Callable[[int], str]
) -> UInt8[np.ndarray, "image height width channel"]:
    """Decode images of one size, which are all gray (one channel) or all color (three channels).

    Args:
        encoded: content or path of each image; at least one.
        name: function that returns the name of an image in messages, by its index.

    Raises:
        DataError: if an image cannot be read, has more than `MOST_PIXELS` pixels, or differs in size or channels from
            the first image; or if all images together take more than `MOST_BYTES` bytes.
    """
    with _decoded(encoded[0], name(0)) as first:
        size, mode = first.size, _BECOMES[first.mode]
    width, height = size
    shape = (len(encoded), height, width, _CHANNELS[mode])
    total = len(encoded) * height * width * _CHANNELS[mode]
    if total > MOST_BYTES:
        raise DataError(
            f"{count(len(encoded), 'image')} of {width}×{height} pixels would take {total:,} bytes; the limit is "
            f"{MOST_BYTES:,}. Use fewer or smaller images."
        )
    images = np.empty(shape, np.uint8)

    def decode_chunk(start: int) -> None:
        for index in range(start, min(start + _CHUNK, len(encoded))):
            with _decoded(encoded[index], name(index)) as image:
                _check_alike(image, size, mode, name(index), name(0))
                images[index] = np.asarray(image if image.mode == mode else image.convert(mode)).reshape(shape[1:])

    # Pillow releases the global interpreter lock while it decodes.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in threads.map(decode_chunk, range(0, len(encoded), _CHUNK)):
            pass
    return images


def _decoded(encoded: bytes | Path, name: str) -> Image.Image:
    from muslin.pictures import decode  # noqa: PLC0415  (Pillow: only Parquet and folders need it)

    content, _ = decode.read_content(encoded, name)
    image = decode.decode(content, name, formats=FORMATS, most_pixels=MOST_PIXELS)
    if image.mode not in _BECOMES:
        raise DataError(
            f"{name} has pixels of mode {image.mode!r}; images must be 8-bit gray or color. Convert it first."
        )
    return image


def _check_alike(image: Image.Image, size: tuple[int, int], mode: str, name: str, first: str) -> None:
    if image.size != size:
        raise DataError(
            f"{name} has {image.width}×{image.height} pixels, but {first} has {size[0]}×{size[1]}; all images must "
            "have the same size. Resize them first."
        )
    if _BECOMES[image.mode] != mode:
        kinds = {"L": "gray", "RGB": "color"}
        raise DataError(
            f"{name} is {kinds[_BECOMES[image.mode]]}, but {first} is {kinds[mode]}; all images must be gray, or all "
            "color. Convert them first."
        )
