"""Pictures from outside, brought to what a network takes.

Fashion-MNIST's own pictures were made much like this (Xiao, Rasul & Vollgraf, "Fashion-MNIST", 2017, section 2): the
longest edge scaled down, the shorter one extended, the grey values inverted so that the background is black.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops, ImageOps

from muslin.errors import DataError
from muslin.pictures.decode import FORMATS, MOST_PIXELS, decode, flatten, read_content

if TYPE_CHECKING:
    from jaxtyping import UInt8

_MODES = {1: "L", 3: "RGB"}


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
