"""Photos of things on a plain ground, brought to what a network learned from, by the data set's own recipe.

Fashion-MNIST's pictures were made from a shop's photos in six steps (Xiao, Rasul & Vollgraf, "Fashion-MNIST: a Novel
Image Dataset for Benchmarking Machine Learning Algorithms", 2017, section 2). Here are the same six, each of which can
be looked at and left out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from muslin.errors import DataError
from muslin.pictures.decode import FORMATS, MOST_PIXELS, decode, flatten

if TYPE_CHECKING:
    from jaxtyping import UInt8

Step: TypeAlias = Literal["trim", "resize", "sharpen", "centre", "invert", "grayscale"]
STEPS: tuple[Step, ...] = get_args(Step)
LARGEST_EDGE = 1024  # pixels: photos are first thinned out to this; the recipe keeps 28 of them
_CLOSE = 0.05 * 255 * 3**0.5  # "within 5% of the maximum possible intensity in RGB space"
_MIDDLE = 127.5

Size: TypeAlias = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Stage:
    """The photo after one step.

    Attributes:
        step: which; "photo" for the photo as it came.
        done: whether the step changed anything; False where it was left out or had nothing to do.
        note: what happened, in a few words.
        pixels: bytes, 1 or 3 channels.
    """

    step: Step | Literal["photo"]
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
    """Take a photo through the recipe; the last stage has the shape that the network takes.

    1. trim: cut edges off whose pixels are all within 5% of the corner's colour.
    2. resize: the longest edge to the network's, by skipping rows and columns. Left out: both edges, each on its own.
    3. sharpen: with a Gaussian of radius and standard deviation 1.
    4. centre: extend the shorter edge on both sides, in the corner's colour. Left out: at its end only.
    5. invert: to light on dark, where the ground is light.
    6. grayscale: for a network that takes one channel; it happens whether it is asked for or not, if there is only one.

    Args:
        content: of a file.
        input_shape: (height, width, channels) that the network takes.
        steps: those to do.
        name: what messages call the photo.
        formats: Pillow's names of those that are read.
        most_pixels: that the photo may have.

    Raises:
        DataError: the photo can't be read or is too large, or the network takes neither grey nor colour.
    """
    height, width, channels = input_shape
    if channels not in (1, 3):
        raise DataError(f"{name}: the network takes images with {channels} channels, but photos have 1 or 3.")
    image = flatten(_thinned(decode(content, name, formats=formats, most_pixels=most_pixels)), "RGB", ground=255)
    stages = [_stage("photo", image, f"{image.width}×{image.height} pixels")]
    corner = _colour(image, (0, 0))

    trimmed = _trimmed(image, corner) if "trim" in steps else image
    image = _keep(stages, "trim", image, trimmed, "edges in the corner's colour cut off", steps)
    image = _keep(stages, "resize", image, _resized(image, (width, height), steps), "rows and columns skipped", steps)
    image = _keep(stages, "sharpen", image, _sharpened(image) if "sharpen" in steps else image, "outlines drawn", steps)
    image = _keep(
        stages, "centre", image, _placed(image, (width, height), corner, steps), "shorter edge extended", steps
    )
    light = sum(corner) / 3 > _MIDDLE
    inverted = ImageChops.invert(image) if light and "invert" in steps else image
    image = _keep(stages, "invert", image, inverted, "light on dark" if light else "was light on dark already", steps)
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
    stages.append(_stage(step, after, note if step in steps else "left out", done=done))
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
    if not len(rows):  # nothing but ground
        return image
    return image.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))


def _resized(image: Image.Image, canvas: Size, steps: Collection[Step]) -> Image.Image:
    size = canvas
    if "resize" in steps:
        scale = min(canvas[0] / image.width, canvas[1] / image.height)
        size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.NEAREST)


def _sharpened(image: Image.Image) -> Image.Image:
    # A Gaussian's negative around twice its sum, scaled to sum 1: the photo and as much again of what differs from its
    # surroundings. Radius 1 and standard deviation 1 give a 3×3 kernel.
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
