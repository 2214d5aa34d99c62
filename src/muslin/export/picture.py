"""Pictures from outside, brought to what a network takes.

Fashion-MNIST's own pictures were made much like this (Xiao, Rasul & Vollgraf, "Fashion-MNIST", 2017, section 2): the
longest edge scaled down, the shorter one extended, the grey values inverted so that the background is black.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import UInt8

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF")  # not what starts other programs (EPS) or that nobody sends
MOST_BYTES = 2**26  # of one file
MOST_PIXELS = 2**26  # of one picture: 64 megapixels, more than a telephone's camera gives
_MODES = {1: "L", 3: "RGB"}
_WRITTEN = {known: known for known in FORMATS} | {"WEBP": "WebP"}


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture ready to be classified.

    Attributes:
        name: what to call it.
        pixels: bytes, of the shape that the network takes.
        size: (width, height) that it came with.
        resized: whether it had to be scaled or extended.
        steps: of the photo recipe, those that changed something; None if it was not taken through it.
    """

    name: str
    pixels: UInt8[np.ndarray, "height width channel"]
    size: tuple[int, int]
    resized: bool
    steps: tuple[str, ...] | None = None


def read_picture(
    source: Path | bytes,
    input_shape: tuple[int, int, int],
    *,
    name: str = "",
    invert: bool = False,
    formats: tuple[str, ...] = FORMATS,
    most_pixels: int = MOST_PIXELS,
) -> Picture:
    """Decode a picture and fit it into a network's input.

    It is turned as its camera says, made grey or colour as the network needs, scaled until it fits (its proportions
    kept), and centred on black. What is transparent becomes black. A picture that has the right size already keeps
    its pixels exactly.

    Args:
        source: a file, or its content: PNG, JPEG, BMP, WebP or GIF (its first frame).
        input_shape: (height, width, channels) that the network takes.
        name: what messages call the picture; the file's path by default.
        invert: exchange black and white (each colour with its opposite): for dark things on a bright ground, where the
            network has learnt bright things on black.
        formats: Pillow's names of those that are read.
        most_pixels: that the picture may have.

    Raises:
        DataError: the picture can't be read, is too large, or the network takes neither grey nor colour pictures.
    """
    content, name = read_content(source, name)
    height, width, channels = input_shape
    if channels not in _MODES:
        raise DataError(f"{name}: the network takes images with {channels} channels, but pictures have 1 or 3.")
    image = decode(content, name, formats=formats, most_pixels=most_pixels)
    size = image.size
    image = flatten(image, _MODES[channels], ground=255 if invert else 0)
    if invert:
        image = ImageChops.invert(image)
    resized = size != (width, height)
    if resized:
        image = ImageOps.pad(image, (width, height), Image.Resampling.LANCZOS, color=0)
    return Picture(name, np.asarray(image).reshape(input_shape), size, resized)


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
    """Decode a picture and turn it as its camera says; its size is looked at before its pixels are.

    Raises:
        DataError: it is none of `formats`, is damaged, or has more than `most_pixels` pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=formats)
        if image.width * image.height > most_pixels:
            raise _too_large(name, most_pixels)
        image.load()
        return ImageOps.exif_transpose(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(name, most_pixels) from error
    except (OSError, ValueError, SyntaxError) as error:
        # Where Pillow does not know the format, its message speaks of an object that the reader knows nothing of.
        reason = "" if isinstance(error, UnidentifiedImageError) else f" ({str(error).rstrip('.')})"
        raise DataError(
            f"{name} is not a picture that is read here, or it is damaged{reason}. "
            f"Give a {', '.join(_WRITTEN[known] for known in formats[:-1])} or {_WRITTEN[formats[-1]]} file."
        ) from error


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
