"""The decoder of picture files, for both training and prediction."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from muslin.errors import DataError

# Pillow's rarer formats would add attack surface, and EPS starts an external program.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF")
MOST_BYTES = 2**26  # largest size of a file, in bytes
MOST_PIXELS = 2**26  # largest number of pixels in a picture: 64 megapixels, enough for most phone cameras
_WRITTEN = {known: known for known in FORMATS} | {"WEBP": "WebP"}


def read_content(source: Path | bytes, name: str = "") -> tuple[bytes, str]:
    """Read the content of a picture file.

    Args:
        source: path of the file, or its content.
        name: name of the picture in messages (default: the path of the file).

    Returns:
        The content and the name.

    Raises:
        DataError: if the file cannot be read, is empty, or is too large.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                source = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise DataError(f"{name} cannot be read: {error.strerror or error}.") from error
    if not source:
        raise DataError(f"{name} is empty. Use a file that contains a picture.")
    if len(source) > MOST_BYTES:
        raise DataError(f"{name} is larger than {MOST_BYTES:,} bytes, the limit for a picture. Reduce its size first.")
    return source, name


def decode(
    content: bytes, name: str, *, formats: tuple[str, ...] = FORMATS, most_pixels: int = MOST_PIXELS
) -> Image.Image:
    """Decode a picture and rotate it as its camera recorded. The size is checked before the pixels are decoded.

    Args:
        content: content of the file.
        name: name of the picture in messages.
        formats: accepted formats, by Pillow's names (default: PNG, JPEG, BMP, WEBP, GIF).
        most_pixels: largest number of pixels (default 2²⁶).

    Raises:
        DataError: if the picture is in another format, is damaged, or has too many pixels.
    """
    with opened(content, name, formats=formats, most_pixels=most_pixels) as image:
        try:
            image.load()
            return ImageOps.exif_transpose(image)
        except (OSError, ValueError, SyntaxError) as error:
            raise _unreadable(name, formats, error) from error


def opened(content: bytes, name: str, *, formats: tuple[str, ...] = FORMATS, most_pixels: int) -> Image.Image:
    """Open a picture: read its header and check its size, without decoding its pixels.

    Args:
        content: content of the file.
        name: name of the picture in messages.
        formats: accepted formats, by Pillow's names (default: PNG, JPEG, BMP, WEBP, GIF).
        most_pixels: largest number of pixels.

    Raises:
        DataError: if the picture is in another format, is damaged, or has too many pixels.
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
    # For an unknown format, Pillow's message mentions an internal object; omit it.
    said = "" if isinstance(error, UnidentifiedImageError) else getattr(error, "strerror", None) or str(error)
    reason = f" ({said.splitlines()[0].rstrip('.')})" if said else ""
    return DataError(
        f"{name} is not a picture in a supported format, or it is damaged{reason}. "
        f"Use a {', '.join(_WRITTEN[known] for known in formats[:-1])} or {_WRITTEN[formats[-1]]} file."
    )


def _too_large(name: str, most_pixels: int) -> DataError:
    return DataError(f"{name} has more than {most_pixels:,} pixels, the limit for a picture. Reduce its size first.")


def flatten(image: Image.Image, mode: str, ground: int) -> Image.Image:
    """Convert a picture to 8 bits per channel without transparency.

    Args:
        image: picture to convert.
        mode: mode of the result, "L" (gray) or "RGB".
        ground: gray value behind transparent pixels, 0–255.
    """
    if image.mode.startswith("I"):  # 16-bit gray
        image = Image.fromarray((np.asarray(image, np.int64).clip(0, 65535) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (ground, ground, ground, 255)), image)
    return image if image.mode == mode else image.convert(mode)
