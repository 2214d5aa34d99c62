"""The decoder of picture files, for both training and prediction."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Protocol, TypeAlias

from PIL import Image, ImageOps, UnidentifiedImageError

from muslin.errors import DataError

# Pillow's rarer formats would add attack surface, and EPS starts an external program.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")
_PIXELS_PER_BYTE = 8  # at most, where a TIFF is not compressed: one bit each
MOST_BYTES = 2**26  # largest size of a file, in bytes
MOST_PIXELS = 2**26  # largest number of pixels in a picture: 64 megapixels, enough for most phone cameras
_WRITTEN = {known: known for known in FORMATS} | {"WEBP": "WebP"}


class Stored(Protocol):
    """A file that is no file of its own on disk, such as a member of an archive."""

    def read(self, most: int) -> bytes:
        """Return the content, at most so many bytes of it.

        Raises:
            OSError: the content is damaged.
        """


Encoded: TypeAlias = bytes | Path | Stored


class PictureError(DataError):
    """A picture that cannot be used.

    Attributes:
        reason: why, in a few words.
    """

    def __init__(self, name: str, reason: str, message: str) -> None:
        super().__init__(f"{name} {message}")
        self.reason = reason


def read_content(source: Encoded, name: str = "") -> tuple[bytes, str]:
    """Read the content of a picture file.

    Args:
        source: path of the file, or its content.
        name: name of the picture in messages (default: the path of the file).

    Returns:
        The content and the name.

    Raises:
        PictureError: if the file cannot be read, is empty, or is too large.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    try:
        content = _read(source)
    except OSError as error:
        reason = error.strerror or str(error)
        raise PictureError(name, reason, f"cannot be read: {reason}.") from error
    if not content:
        raise PictureError(name, "empty", "is empty. Use a file that contains a picture.")
    if len(content) > MOST_BYTES:
        limit = f"larger than {MOST_BYTES:,} bytes"
        raise PictureError(name, limit, f"is {limit}, the limit for a picture. Reduce its size first.")
    return content, name


def _read(source: Encoded) -> bytes:
    if isinstance(source, bytes):
        return source
    if not isinstance(source, Path):
        return source.read(MOST_BYTES + 1)
    with source.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def decode(
    content: bytes, name: str, *, formats: tuple[str, ...] = FORMATS, most_pixels: int = MOST_PIXELS
) -> Image.Image:
    """Decode a picture and rotate it as its camera recorded. The size is checked before the pixels are decoded.

    Args:
        content: content of the file.
        name: name of the picture in messages.
        formats: accepted formats, by Pillow's names (default: `FORMATS`).
        most_pixels: largest number of pixels (default 2²⁶).

    Raises:
        PictureError: if the picture is in another format, is damaged, or has too many pixels.
    """
    with opened(content, name, formats=formats, most_pixels=most_pixels) as image:
        try:
            image.load()
            return ImageOps.exif_transpose(image)
        except Exception as error:  # what a damaged file leads Pillow's decoders to is not documented
            raise unreadable(name, formats, error) from error


def opened(content: bytes, name: str, *, formats: tuple[str, ...] = FORMATS, most_pixels: int) -> Image.Image:
    """Open a picture: read its header and check its size, without decoding its pixels.

    Args:
        content: content of the file.
        name: name of the picture in messages.
        formats: accepted formats, by Pillow's names (default: `FORMATS`).
        most_pixels: largest number of pixels.

    Raises:
        PictureError: if the picture is in another format, is damaged, or has too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(name, most_pixels) from error
    except Exception as error:  # as above
        raise unreadable(name, formats, error) from error
    if image.width * image.height > most_pixels:
        raise _too_large(name, most_pixels)
    if image.info.get("compression") == "raw" and image.width * image.height > _PIXELS_PER_BYTE * len(content):
        raise unreadable(name, formats, ValueError("it declares more pixels than the file has"))
    return image


def unreadable(name: str, formats: tuple[str, ...], error: Exception) -> PictureError:
    """Return the error for a picture that Pillow could not use."""
    # For an unknown format, Pillow's message mentions an internal object; omit it.
    said = "" if isinstance(error, UnidentifiedImageError) else getattr(error, "strerror", None) or str(error)
    said = said.splitlines()[0].rstrip(".") if said else ""
    return PictureError(
        name,
        f"damaged: {said}" if said else "not a picture in a supported format, or damaged",
        f"is not a picture in a supported format, or it is damaged{f' ({said})' if said else ''}. "
        f"Use a {', '.join(_WRITTEN[known] for known in formats[:-1])} or {_WRITTEN[formats[-1]]} file.",
    )


def _too_large(name: str, most_pixels: int) -> PictureError:
    limit = f"more than {most_pixels:,} pixels"
    return PictureError(name, limit, f"has {limit}, the limit for a picture. Reduce its size first.")
