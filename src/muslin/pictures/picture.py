"""Conversion of pictures to network input: scale to fit, and extend with black.

The images of Fashion-MNIST were made in a similar way (Xiao, Rasul & Vollgraf, "Fashion-MNIST", 2017, section 2): the
longest edge was scaled down, the shorter one extended, and the gray values inverted so that the background is black.
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
    """A picture in the shape that the network takes.

    Attributes:
        name: name of the picture.
        pixels: pixels as bytes, 0–255, in the input shape of the network.
        size: original size, (width, height) in pixels.
        resized: whether the picture was scaled or extended.
        steps: steps of the photo preparation that changed the picture (default None: not prepared as a photo).
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
    """Decode a picture and fit it to a network's input.

    The picture is rotated as its camera recorded, converted to gray or color as the network needs, scaled to fit with
    its proportions kept, and centered on black. Transparent pixels become black. A picture that already has the right
    size keeps its pixels exactly.

    Args:
        source: path of a file, or its content: PNG, JPEG, BMP, WebP or GIF (first frame).
        input_shape: input shape of the network, (height, width, channels) in pixels.
        name: name of the picture in messages (default: the path of the file).
        invert: whether to invert the colors, for dark objects on a light background (default False).
        formats: accepted formats, by Pillow's names (default: PNG, JPEG, BMP, WEBP, GIF).
        most_pixels: largest number of pixels (default 2²⁶).

    Raises:
        DataError: if the picture cannot be read or is too large, or the network takes neither 1 nor 3 channels.
    """
    content, name = read_content(source, name)
    height, width, channels = input_shape
    if channels not in _MODES:
        raise DataError(
            f"{name} cannot be converted to {channels} channels, which the network takes; a picture has 1 or 3. "
            "Choose a network that takes gray or color images."
        )
    image = decode(content, name, formats=formats, most_pixels=most_pixels)
    size = image.size
    image = flatten(image, _MODES[channels], ground=255 if invert else 0)
    if invert:
        image = ImageChops.invert(image)
    resized = size != (width, height)
    if resized:
        image = ImageOps.pad(image, (width, height), Image.Resampling.LANCZOS, color=0)
    return Picture(name, np.asarray(image).reshape(input_shape), size, resized)
