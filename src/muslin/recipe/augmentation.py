"""Settings of the random changes of training images."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from muslin.recipe._part import Part


class Augmentation(Part):
    """Random changes of the training images that keep the class.

    Attributes:
        flip: whether to mirror each image horizontally in every other epoch (default False). A random bit per image
            decides in which, so any two consecutive epochs show both orientations (Jordan, "94% on CIFAR-10 in 3.29
            Seconds on a Single GPU", 2024).
        shift: largest random shift along each axis, in pixels (default 0). Shifts are uniform; black pixels fill the
            gap.
    """

    flip: bool = False
    shift: Annotated[int, Field(strict=True, ge=0, le=64)] = 0
