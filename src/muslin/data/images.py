"""Decoding image files: PNG, JPEG, BMP and WebP, grey or colour, all of one size."""

from __future__ import annotations

import io
import os
import warnings
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
# Bytes of one image file.
MOST_FILE_BYTES = 2**26
# Pixels of one image. The designs are small ones for small images; 16 megapixels are a photograph.
MOST_PIXELS = 2**24
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
        DataError: one can't be read, is larger than `MOST_PIXELS`, or differs in size or channels from the first; or
            all together take more than `MOST_BYTES`.
    """
    from PIL import Image  # noqa: PLC0415  (only Parquet and folders need it)

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with _opened(encoded[0], name(0)) as first:
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
                with _opened(encoded[index], name(index)) as image:
                    _check_alike(image, size, mode, name(index), name(0))
                    images[index] = np.asarray(_pixels(image, mode, name(index))).reshape(shape[1:])

        # Pillow lets go of Python's lock while it decodes.
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for _ in threads.map(decode_chunk, range(0, len(encoded), _CHUNK)):
                pass
    return images


def _opened(encoded: bytes | Path, name: str) -> Image.Image:
    """Open an image, its header read and found acceptable, its pixels not yet decoded."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415

    try:
        image = Image.open(io.BytesIO(_bytes(encoded, name)), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{name} claims an absurd size; it was not decoded. {error}") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{name} is not a picture ({', '.join(FORMATS)}). Repair or remove it.") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(
            f"{name} can't be read as an image ({', '.join(FORMATS)}): {_reason(error)}. Repair or remove it."
        ) from error
    if image.width * image.height > MOST_PIXELS:
        raise DataError(
            f"{name} has {image.width}×{image.height} pixels; Muslin takes images of at most {MOST_PIXELS:,} pixels. "
            "Shrink the images first; the designs are made for small ones."
        )
    if image.mode not in _BECOMES:
        raise DataError(f"{name} has pixels of the kind {image.mode!r}; Muslin takes 8-bit grey or colour. Convert it.")
    return image


def _bytes(encoded: bytes | Path, name: str) -> bytes:
    if isinstance(encoded, bytes):
        return encoded
    size = encoded.stat().st_size
    if size > MOST_FILE_BYTES:
        raise DataError(f"{name} has {size:,} bytes; Muslin takes image files of at most {MOST_FILE_BYTES:,}.")
    return encoded.read_bytes()


def _pixels(image: Image.Image, mode: str, name: str) -> Image.Image:
    try:
        image.load()
        return image if image.mode == mode else image.convert(mode)
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{name} is damaged: {_reason(error)}. Repair or remove it.") from error


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


def _reason(error: Exception) -> str:
    return (
        str(getattr(error, "strerror", None) or error).splitlines()[0].rstrip(".") if str(error) else "unknown reason"
    )
