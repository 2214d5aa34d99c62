"""Preparation of the user's pictures for a network, and the notes about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from muslin.pictures.picture import Picture
from muslin.pictures.prepare import Preparation, prepare_picture
from muslin.pictures.target import Target
from muslin.runs.record import DataRecord
from muslin.workflow.observer import Observer


def prepared(
    source: Path | bytes,
    data: DataRecord,
    *,
    photo: bool | None = None,
    invert: bool = False,
    name: str = "",
) -> Picture:
    """Prepare a picture for a network.

    Args:
        source: path of a file, or its content.
        data: record of the images that the network was trained on; those of Fashion-MNIST were made by the photo
            preparation.
        photo: whether to use the photo preparation (default: for a picture of another size than the network's input,
            if the network's training images were made by it).
        invert: whether to invert the colors; the picture is then only resized.
        name: name of the picture in messages (default: the path of the file).

    Raises:
        DataError: the picture cannot be read or is too large.
    """
    how: Preparation = "fit" if photo is False or invert else "photo" if photo else "auto"
    return prepare_picture(source, target_of(data), how, name=name, invert=invert)


def target_of(data: DataRecord) -> Target:
    """Return what a network takes, by the record of the images that it was trained on."""
    return Target(
        data.input_shape,
        made_from_photos=data.audit.is_fashion,
        fit=data.reading.fit,
        ground=data.ground,
        border=data.border or None,
        scaling=data.scaling,
    )


def note_resized(pictures: Sequence[Picture], shape: tuple[int, int, int], observer: Observer) -> None:
    """Note how pictures of another size than the network's input were resized, and what is unlike its own images."""
    for note in dict.fromkeys(picture.note for picture in pictures if picture.note):
        observer.note(f"{note[0].upper()}{note[1:]}.")
    resized = [picture for picture in pictures if picture.resized]
    if not resized:
        return
    height, width, _ = shape
    which = (
        f"{resized[0].name} has {resized[0].size[0]}×{resized[0].size[1]} pixels: it"
        if len(resized) == 1
        else f"{len(resized)} pictures have another size: each"
    )
    steps = [picture.steps for picture in resized if picture.steps is not None]
    if not steps:
        observer.note(f"{which} was resized to fit {width}×{height}.")
        return
    done = f" ({', '.join(steps[0])})" if len(resized) == 1 else ""
    observer.note(f"{which} went through the photo preparation{done}. `photo=False` only resizes.")
