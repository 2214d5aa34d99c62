"""Preparation of pictures for a network: as its training images were read, or by the photo preparation."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast, get_args

from muslin.pictures.decode import FORMATS, MOST_PIXELS, Encoded, read_content
from muslin.pictures.photo import Stage, Step, prepare_photo
from muslin.pictures.picture import Picture, read_picture
from muslin.pictures.target import Target

Preparation: TypeAlias = Literal["auto", "photo", "fit"]
PREPARATIONS: tuple[Preparation, ...] = get_args(Preparation)


def prepare_picture(
    source: Encoded,
    target: Target,
    how: Preparation = "auto",
    *,
    name: str = "",
    invert: bool = False,
    formats: tuple[str, ...] = FORMATS,
    most_pixels: int = MOST_PIXELS,
) -> Picture:
    """Prepare a picture for a network.

    Args:
        source: path of a file, or its content.
        target: what the network takes.
        how: preparation (default "auto"). "photo": all steps of the photo preparation (`prepare_photo`). "fit": as the
            training images were read (`read_picture`). "auto": "photo" if the picture differs in size from the
            network's input and the training images were made by the photo preparation, otherwise "fit".
        name: name of the picture in messages (default: the path of the file).
        invert: whether to invert the colors when fitting (default False). The photo preparation detects dark objects
            on a light background automatically.
        formats: accepted formats, by Pillow's names (default: `FORMATS`).
        most_pixels: largest number of pixels (default 2²⁶).

    Raises:
        DataError: if the picture cannot be read or is too large, or the network takes neither 1 nor 3 channels.
    """
    content, name = read_content(source, name)
    fitted = read_picture(content, target, name=name, invert=invert, formats=formats, most_pixels=most_pixels)
    if how == "fit" or (how == "auto" and not (fitted.resized and target.made_from_photos)):
        return fitted
    stages = prepare_photo(content, target.input_shape, name=name, formats=formats, most_pixels=most_pixels)
    # The first stage is the original photo; all others are steps.
    steps = tuple(cast("Step", stage.step) for stage in stages[1:] if stage.done)
    return Picture(name, stages[-1].pixels, fitted.size, fitted.resized, steps)


def fit_photo(
    content: bytes, target: Target, *, formats: tuple[str, ...] = FORMATS, most_pixels: int = MOST_PIXELS
) -> tuple[Stage, ...]:
    """Resize a photo as the training images were, and return both, as `prepare_photo` returns its stages.

    Args:
        content: content of the file.
        target: what the network takes.
        formats: accepted formats, by Pillow's names (default: `FORMATS`).
        most_pixels: largest number of pixels (default 2²⁶).

    Raises:
        DataError: as `prepare_picture`.
    """
    fitted = prepare_picture(content, target, "fit", name="the photo", formats=formats, most_pixels=most_pixels)
    original = prepare_photo(content, target.input_shape, (), formats=formats, most_pixels=most_pixels)[0]
    height, width, _ = target.input_shape
    made = f"brought to {width}×{height} pixels, as the training images" if fitted.resized else ""
    note = fitted.note.partition(";")[0] or made or "already the network's size"
    return original, Stage("fit", fitted.resized, note, fitted.pixels)
