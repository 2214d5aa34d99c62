"""Pictures that a person gives: how they are brought to what a network takes, and the word that is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from muslin.cli._output import Output

if TYPE_CHECKING:
    from muslin.pictures.picture import Picture
    from muslin.pictures.prepare import Preparation

photo_option = click.option(
    "--photo/--no-photo",
    default=None,
    help="Take pictures through the recipe that Fashion-MNIST was made by: trim, resize the longest edge, sharpen, "
    "centre, invert to bright on dark, make grey; or only scale them to fit. Without either: the recipe for pictures "
    "of another size than the network's, if its classes are Fashion-MNIST's.",
)


def preparation(*, photo: bool | None) -> Preparation:
    """What `--photo`, `--no-photo`, or neither, asks for."""
    if photo is None:
        return "auto"
    return "photo" if photo else "fit"


def note_resized(pictures: Sequence[Picture], shape: tuple[int, int, int], output: Output) -> None:
    """Say what was done to pictures of another size than the network's."""
    resized = [picture for picture in pictures if picture.resized]
    if not resized:
        return
    height, width, _ = shape
    which = (
        f"{resized[0].name} was {resized[0].size[0]}×{resized[0].size[1]} pixels and was"
        if len(resized) == 1
        else f"{len(resized)} pictures were of another size and were"
    )
    steps = [picture.steps for picture in resized if picture.steps is not None]
    if not steps:
        output.note(f"{which} fitted into {width}×{height}.")
    elif len(resized) == 1:
        output.note(f"{which} taken through the photo recipe: {', '.join(steps[0])}. --no-photo only fits it.")
    else:
        output.note(f"{which} taken through the photo recipe; --json says which steps did something.")
