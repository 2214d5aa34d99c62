"""The photo preparation: photos on a plain background, converted to network input like the images of Fashion-MNIST.

The images of Fashion-MNIST were made from a shop's photos in six steps (Xiao, Rasul & Vollgraf, "Fashion-MNIST: a Novel
Image Dataset for Benchmarking Machine Learning Algorithms", 2017, section 2). This module implements the same six
steps. Each can be inspected and omitted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from muslin.errors import DataError
from muslin.pictures.decode import FORMATS, MOST_PIXELS
from muslin.pictures.plain import flat, read_plain

if TYPE_CHECKING:
    from jaxtyping import UInt8

Step: TypeAlias = Literal["trim", "resize", "sharpen", "centre", "invert", "grayscale"]
STEPS: tuple[Step, ...] = get_args(Step)
LARGEST_EDGE = 1024  # longest edge after the initial reduction, in pixels; the network sees 28 of them
_CLOSE = 0.05 * 255 * 3**0.5  # "within 5% of the maximum possible intensity in RGB space"
_MIDDLE = 127.5

Size: TypeAlias = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Stage:
    """The photo after one step.

    Attributes:
        step: name of the step; "photo" for the original photo, "fit" if it was only resized.
        done: whether the step changed the photo; False if it was omitted or had no effect.
        note: description of the step's effect in a few words.
        pixels: pixels as bytes, 0–255, with 1 or 3 channels.
    """

    step: Step | Literal["photo", "fit"]
    done: bool
    note: str
    pixels: UInt8[np.ndarray, "height width channel"]


def prepare_photo(
    content: bytes,
    input_shape: tuple[int, int, int],
    steps: Collection[Step] = STEPS,
    *,
    name: str = "the photo",
    formats: tuple[str, ...] = FORMATS,
    most_pixels: int = MOST_PIXELS,
) -> tuple[Stage, ...]:
    """Prepare a photo for a network.

    1. trim: remove edges whose pixels are all within 5% of the corner's color.
    2. resize: scale the longest edge to the network's by skipping rows and columns. If omitted, each edge is scaled
       separately.
    3. sharpen: sharpen with a Gaussian of radius 1 and standard deviation 1.
    4. `centre`: extend the shorter edge on both sides in the corner's color. If omitted, extend it at its end only.
    5. invert: invert the colors if the background is light.
    6. grayscale: convert to one channel if the network takes one channel; this step cannot be omitted.

    Args:
        content: content of the file.
        input_shape: input shape of the network, (height, width, channels) in pixels.
        steps: steps to apply (default: all).
        name: name of the photo in messages (default "the photo").
        formats: accepted formats, by Pillow's names (default: `FORMATS`).
        most_pixels: largest number of pixels (default 2²⁶).

    Returns:
        The original photo and the result of each step, in order. The last one has the shape `input_shape`.

    Raises:
        DataError: if the photo cannot be read or is too large, or the network takes neither 1 nor 3 channels.
    """
    height, width, channels = input_shape
    if channels not in (1, 3):
        raise DataError(
            f"{name} cannot be converted to {channels} channels, which the network takes; a photo has 1 or 3. "
            "Choose a network that takes gray or color images."
        )
    plain = read_plain(content, name, formats=formats, most_pixels=most_pixels)
    image = flat(replace(plain, image=_thinned(plain.image)), "rgb", ground=255)
    stages = [_stage("photo", image, f"{image.width}×{image.height} pixels")]
    corner = _colour(image, (0, 0))

    trimmed = _trimmed(image, corner) if "trim" in steps else image
    image = _keep(stages, "trim", image, trimmed, "edges in the corner's color removed", steps)
    image = _keep(stages, "resize", image, _resized(image, (width, height), steps), "rows and columns skipped", steps)
    image = _keep(
        stages, "sharpen", image, _sharpened(image) if "sharpen" in steps else image, "outlines sharpened", steps
    )
    image = _keep(
        stages, "centre", image, _placed(image, (width, height), corner, steps), "shorter edge extended", steps
    )
    light = sum(corner) / 3 > _MIDDLE
    inverted = ImageChops.invert(image) if light and "invert" in steps else image
    image = _keep(stages, "invert", image, inverted, "colors inverted" if light else "already light on dark", steps)
    if channels == 1:
        stages.append(_stage("grayscale", image.convert("L"), "one channel"))
    return tuple(stages)


def _stage(step: Step | Literal["photo"], image: Image.Image, note: str, *, done: bool = True) -> Stage:
    pixels = np.asarray(image)
    return Stage(step, done, note, pixels.reshape(*pixels.shape[:2], -1).copy())


def _keep(
    stages: list[Stage], step: Step, before: Image.Image, after: Image.Image, note: str, steps: Collection[Step]
) -> Image.Image:
    done = step in steps and (before.size != after.size or before.tobytes() != after.tobytes())
    stages.append(_stage(step, after, note if step in steps else "omitted", done=done))
    return after


def _thinned(image: Image.Image) -> Image.Image:
    longest = max(image.size)
    if longest <= LARGEST_EDGE:
        return image
    width, height = (max(round(side * LARGEST_EDGE / longest), 1) for side in image.size)
    return image.resize((width, height), Image.Resampling.NEAREST)


def _colour(image: Image.Image, at: Size) -> tuple[int, int, int]:
    red, green, blue = np.asarray(image)[at[1], at[0]].tolist()
    return red, green, blue


def _trimmed(image: Image.Image, corner: tuple[int, int, int]) -> Image.Image:
    difference = np.asarray(image, np.float32) - np.asarray(corner, np.float32)
    far = (difference**2).sum(axis=2) > _CLOSE**2
    rows, columns = np.flatnonzero(far.any(axis=1)), np.flatnonzero(far.any(axis=0))
    if not len(rows):  # nothing but background
        return image
    return image.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))


def _resized(image: Image.Image, canvas: Size, steps: Collection[Step]) -> Image.Image:
    size = canvas
    if "resize" in steps:
        scale = min(canvas[0] / image.width, canvas[1] / image.height)
        size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.NEAREST)


def _sharpened(image: Image.Image) -> Image.Image:
    # The negative of a Gaussian with twice its sum at the center, scaled to sum 1. It adds to the photo its difference
    # from the blurred photo. Radius 1 and standard deviation 1 give a 3×3 kernel.
    across = np.exp(-(np.arange(-1, 2) ** 2) / 2)
    gaussian = np.outer(across, across)
    kernel = -gaussian
    kernel[1, 1] = 2 * gaussian.sum()
    return image.filter(ImageFilter.Kernel((3, 3), (kernel / kernel.sum()).ravel().tolist()))


def _placed(image: Image.Image, canvas: Size, ground: tuple[int, int, int], steps: Collection[Step]) -> Image.Image:
    if image.size == canvas:
        return image
    whole = Image.new("RGB", canvas, ground)
    offset = (canvas[0] - image.width, canvas[1] - image.height)
    whole.paste(image, (offset[0] // 2, offset[1] // 2) if "centre" in steps else (0, 0))
    return whole
