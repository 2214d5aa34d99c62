"""Conversion of pictures to network input, in the way in which the network's training images were read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from muslin.errors import DataError
from muslin.pictures.decode import FORMATS, MOST_PIXELS, Encoded, read_content
from muslin.pictures.plain import Plain, flat, read_plain, to_pixels
from muslin.pictures.scaling import EIGHT_BITS, FULL, SIXTEEN_BITS, Scaling
from muslin.pictures.target import Target

if TYPE_CHECKING:
    from jaxtyping import UInt8

_FAR = 128  # difference of two backgrounds of which one is light and the other is dark


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in the shape that the network takes.

    Attributes:
        name: name of the picture.
        pixels: pixels as bytes, 0–255, in the input shape of the network.
        size: original size, (width, height) in pixels.
        resized: whether the picture was scaled or extended.
        steps: steps of the photo preparation that changed the picture (default None: not prepared as a photo).
        note: what is unlike the training images, as one sentence without a capital or a full stop (default: nothing).
    """

    name: str
    pixels: UInt8[np.ndarray, "height width channel"]
    size: tuple[int, int]
    resized: bool
    steps: tuple[str, ...] | None = None
    note: str = ""


def read_picture(
    source: Encoded,
    target: Target,
    *,
    name: str = "",
    invert: bool = False,
    formats: tuple[str, ...] = FORMATS,
    most_pixels: int = MOST_PIXELS,
) -> Picture:
    """Decode a picture and bring it to a network's input.

    The picture is rotated as its camera recorded, laid on `target.ground` where it is transparent, converted to gray
    or color as the network needs, and brought to its size by `target.fit`. A picture that already has the right size
    keeps its pixels exactly.

    Args:
        source: path of a file, or its content: PNG, JPEG, BMP, WebP, GIF or TIFF (first frame).
        target: what the network takes.
        name: name of the picture in messages (default: the path of the file).
        invert: whether to invert the colors, for dark objects on a light background (default False). The ground is not
            inverted.
        formats: accepted formats, by Pillow's names (default: `FORMATS`).
        most_pixels: largest number of pixels (default 2²⁶).

    Raises:
        DataError: if the picture cannot be read or is too large, or the network takes neither 1 nor 3 channels.
    """
    content, name = read_content(source, name)
    height, width, channels = target.input_shape
    if channels not in (1, 3):
        raise DataError(
            f"{name} cannot be converted to {channels} channels, which the network takes; a picture has 1 or 3. "
            "Choose a network that takes gray or color images."
        )
    plain = read_plain(content, name, formats=formats, most_pixels=most_pixels)
    pixels = _bytes(plain, target, [EIGHT_BITS - value for value in target.behind] if invert else target.behind)
    return Picture(
        name,
        EIGHT_BITS - pixels if invert else pixels,
        (plain.image.width, plain.image.height),
        plain.size != (height, width),
        note="" if invert else _unlike(plain, target),
    )


def _bytes(plain: Plain, target: Target, ground: Sequence[int]) -> UInt8[np.ndarray, "height width channel"]:
    known, full = target.scaling, Scaling(high=SIXTEEN_BITS) if plain.deep else FULL
    for scaling in (known, full):
        # The ground is in the range of the pixels, so that it does not decide which range counts.
        white = scaling.high if (scaling.high > EIGHT_BITS) == plain.deep else full.high
        raw = to_pixels(plain, target.input_shape[:2], target.color, fit=target.fit, ground=ground, white=white)
        if known.for_picture(raw) == scaling:
            break
    return scaling.bytes(raw)


def _unlike(plain: Plain, target: Target) -> str:
    """Say that a picture has a light background and the training images have a dark one, or the reverse."""
    if target.border is None:
        return ""
    ground = round(float(np.mean(target.behind)))
    edges = np.asarray(flat(plain, "gray", ground))
    edge = np.concatenate([edges[0], edges[-1], edges[:, 0], edges[:, -1]])
    seen, known = float(np.median(edge)), float(np.mean(target.border))
    if abs(seen - known) <= _FAR:
        return ""
    own, theirs = ("light", "dark") if seen > known else ("dark", "light")
    return f"the picture has a {own} background, but the training images have a {theirs} one; `invert=True` inverts it"
