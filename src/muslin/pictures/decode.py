"""The one way from an encoded picture to pixels, for training and predicting alike."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from muslin.errors import DataError

# Pillow's rarer formats are more to attack, and EPS would start another program.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF")
MOST_BYTES = 2**26  # of one file
MOST_PIXELS = 2**26  # of one picture: 64 megapixels, more than the camera of a phone gives
_WRITTEN = {known: known for known in FORMATS} | {"WEBP": "WebP"}


def read_content(source: Path | bytes, name: str = "") -> tuple[bytes, str]:
    """A picture's bytes, and what to call it: `name`, or the file's path.

    Raises:
        DataError: the file can't be read, is empty, or is too large.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                source = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise DataError(f"{name} can't be read: {error.strerror or error}.") from error
    if not source:
        raise DataError(f"{name} is empty, not a picture.")
    if len(source) > MOST_BYTES:
        raise DataError(
            f"{name} has more than {MOST_BYTES:,} bytes, the most that a picture may have. Shrink it first."
        )
    return source, name


def decode(
    content: bytes, name: str, *, formats: tuple[str, ...] = FORMATS, most_pixels: int = MOST_PIXELS
) -> Image.Image:
    """Decode a picture and turn it the way its camera recorded; its size is checked before its pixels are decoded.

    Raises:
        DataError: it is none of `formats`, is damaged, or has more than `most_pixels` pixels.
    """
    with opened(content, name, formats=formats, most_pixels=most_pixels) as image:
        try:
            image.load()
            return ImageOps.exif_transpose(image)
        except (OSError, ValueError, SyntaxError) as error:
            raise _unreadable(name, formats, error) from error


def opened(content: bytes, name: str, *, formats: tuple[str, ...] = FORMATS, most_pixels: int) -> Image.Image:
    """Open a picture: its header is read and its size checked; its pixels are not decoded yet.

    Raises:
        DataError: as `decode`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(name, most_pixels) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(name, formats, error) from error
    if image.width * image.height > most_pixels:
        raise _too_large(name, most_pixels)
    return image


def _unreadable(name: str, formats: tuple[str, ...], error: Exception) -> DataError:
    # Where Pillow does not know the format, its message speaks of an object that the reader knows nothing of.
    said = "" if isinstance(error, UnidentifiedImageError) else getattr(error, "strerror", None) or str(error)
    reason = f" ({said.splitlines()[0].rstrip('.')})" if said else ""
    return DataError(
        f"{name} is not a picture in a supported format, or it is damaged{reason}. "
        f"Use a {', '.join(_WRITTEN[known] for known in formats[:-1])} or {_WRITTEN[formats[-1]]} file."
    )


def _too_large(name: str, most_pixels: int) -> DataError:
    return DataError(f"{name} has more than {most_pixels:,} pixels, the most that Muslin takes. Shrink it first.")


def flatten(image: Image.Image, mode: str, ground: int) -> Image.Image:
    """Without transparency, eight bits, grey or colour."""
    if image.mode.startswith("I"):  # 16-bit grey
        image = Image.fromarray((np.asarray(image, np.int64).clip(0, 65535) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (ground, ground, ground, 255)), image)
    return image if image.mode == mode else image.convert(mode)
