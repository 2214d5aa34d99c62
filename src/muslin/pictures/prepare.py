"""From any picture to what a network takes: as it is, fitted, or by the recipe that its own images were made with."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias, cast, get_args

from muslin.pictures.decode import FORMATS, MOST_PIXELS, read_content
from muslin.pictures.photo import Step, prepare_photo
from muslin.pictures.picture import Picture, read_picture

Preparation: TypeAlias = Literal["auto", "photo", "fit"]
PREPARATIONS: tuple[Preparation, ...] = get_args(Preparation)


def prepare_picture(
    source: Path | bytes,
    input_shape: tuple[int, int, int],
    made_from_photos: bool,
    how: Preparation = "auto",
    *,
    name: str = "",
    invert: bool = False,
    formats: tuple[str, ...] = FORMATS,
    most_pixels: int = MOST_PIXELS,
) -> Picture:
    """Bring a picture to what a network takes.

    Args:
        source: a file, or its content.
        input_shape: (height, width, channels) that the network takes.
        made_from_photos: whether the network's training images were made by the photo preparation.
        how: "photo": all steps of the recipe (`prepare_photo`). "fit": scaled to fit, on black (`read_picture`).
            "auto": "photo" for a picture of another size than the network's, if the network's training
            images were made that way; "fit" otherwise.
        name: what messages call the picture; the file's path by default.
        invert: exchange black and white when fitting; the photo recipe looks for itself.
        formats: Pillow's names of those that are read.
        most_pixels: that the picture may have.

    Raises:
        DataError: the picture can't be read, is too large, or the network takes neither grey nor colour pictures.
    """
    content, name = read_content(source, name)
    fitted = read_picture(content, input_shape, name=name, invert=invert, formats=formats, most_pixels=most_pixels)
    if how == "fit" or (how == "auto" and not (fitted.resized and made_from_photos)):
        return fitted
    stages = prepare_photo(content, input_shape, name=name, formats=formats, most_pixels=most_pixels)
    # The first stage is the photo as it came; all others are steps.
    steps = tuple(cast("Step", stage.step) for stage in stages[1:] if stage.done)
    return Picture(name, stages[-1].pixels, fitted.size, fitted.resized, steps)
