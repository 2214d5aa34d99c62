"""What a network takes: everything that decides how a picture becomes its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from muslin.pictures.scaling import FULL, Scaling

Color: TypeAlias = Literal["gray", "rgb"]
Fitting: TypeAlias = Literal["fit", "crop", "stretch"]


@dataclass(frozen=True)
class Target:
    """What a network takes, and how its training images were made.

    Attributes:
        input_shape: input shape of the network, (height, width, channels) in pixels.
        made_from_photos: whether the training images were made by the photo preparation (default False).
        fit: how a picture of other proportions becomes the network's size, as in `Reading` (default "fit").
        ground: gray value, 0–255, behind transparent pixels and beside a fitted picture (default None: `border`).
        border: color of the training images' edges, one value 0–255 per channel, which takes the place of the ground
            if that is None (default None: not known, black).
        scaling: range that the pixels of the training files had (default: 0–255).
    """

    input_shape: tuple[int, int, int]
    made_from_photos: bool = False
    fit: Fitting = "fit"
    ground: int | None = None
    border: tuple[int, ...] | None = None
    scaling: Scaling = FULL

    @property
    def color(self) -> Color:
        """Whether the network takes gray or color images."""
        return "gray" if self.input_shape[2] == 1 else "rgb"

    @property
    def behind(self) -> tuple[int, ...]:
        """Color behind transparent pixels and beside a fitted picture, one value or three."""
        return (self.ground,) if self.ground is not None else self.border or (0,)
