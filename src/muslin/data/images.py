"""Decoding image files: PNG, JPEG, BMP and WebP, grey or colour, all of one size."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muslin.data._reading import MOST_BYTES
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import UInt8
    from PIL import Image

# Only what a data set is made of: Pillow's rarer formats are more to attack, and EPS would start another program.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
# Modes by what they become: one channel or three. Transparency is dropped.
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
_CHUNK = 512  # images a thread takes at a time


def decode(
    encoded: Sequence[bytes | Path], name: Callable[[int], str]
) -> UInt8[np.ndarray, "image height width channel"]:
    """Decode images of one size: all grey (one channel) or all colour (three), like the first of them.

    Args:
        encoded: the bytes of each image, or the file that has them; at least one.
        name: what a message calls the image with this index.

    Raises:
        DataError: one can't be read, has too many pixels, or differs in size or channels from the first; or
            all together take more than `MOST_BYTES`.
    """
    with _decoded(encoded[0], name(0)) as first:
        size, mode = first.size, _BECOMES[first.mode]
    width, height = size
    shape = (len(encoded), height, width, _CHANNELS[mode])
    total = len(encoded) * height * width * _CHANNELS[mode]
    if total > MOST_BYTES:
        raise DataError(
            f"{len(encoded):,} images of {width}×{height} pixels take {total:,} bytes; Muslin holds at most "
            f"{MOST_BYTES:,}. Take fewer images, or shrink them first."
        )
    images = np.empty(shape, np.uint8)

    def decode_chunk(start: int) -> None:
        for index in range(start, min(start + _CHUNK, len(encoded))):
            with _decoded(encoded[index], name(index)) as image:
                _check_alike(image, size, mode, name(index), name(0))
                images[index] = np.asarray(image if image.mode == mode else image.convert(mode)).reshape(shape[1:])

    # Pillow lets go of Python's lock while it decodes.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in threads.map(decode_chunk, range(0, len(encoded), _CHUNK)):
            pass
    return images


def _decoded(encoded: bytes | Path, name: str) -> Image.Image:
    from muslin.pictures import decode  # noqa: PLC0415  (Pillow: only Parquet and folders need it)

    content, _ = decode.read_content(encoded, name)
    image = decode.decode(content, name, formats=FORMATS)
    if image.mode not in _BECOMES:
        raise DataError(f"{name} has pixels of the kind {image.mode!r}; Muslin takes 8-bit gray or color. Convert it.")
    return image


def _check_alike(image: Image.Image, size: tuple[int, int], mode: str, name: str, first: str) -> None:
    if image.size != size:
        raise DataError(
            f"{name} has {image.width}×{image.height} pixels, {first} has {size[0]}×{size[1]}; all images must be of "
            "one size. Resize them first."
        )
    if _BECOMES[image.mode] != mode:
        kinds = {"L": "grey", "RGB": "colour"}
        raise DataError(
            f"{name} is {kinds[_BECOMES[image.mode]]}, {first} is {kinds[mode]}; all images must be of one kind. "
            "Convert them first."
        )
