"""A canvas with pixel coordinates, for figures that are not plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.colors import Colormap
from matplotlib.patches import Rectangle

from muslin.figures.style import GRAYS, INK, PIXELS_PER_INCH, SMALL, SOFT, WIDTH, Figure

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

POINTS_PER_PIXEL = 0.75
_WIDE = 0.58  # mean width of a letter relative to the font size, in the widest of the fonts


class Canvas:
    """A figure whose coordinates are CSS pixels from the upper left corner.

    Args:
        height: height in CSS pixels.
        width: width in CSS pixels (default 860).
    """

    def __init__(self, height: float, width: float = WIDTH) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / PIXELS_PER_INCH, height / PIXELS_PER_INCH))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set(xlim=(0, width), ylim=(height, 0))
        self.axes.set_autoscale_on(False)

    def picture(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        values: Float[np.ndarray, "..."] | UInt8[np.ndarray, "..."],
        *,
        cmap: Colormap = GRAYS,
        limits: tuple[float, float] | None = None,
    ) -> None:
        """Draw an array with its upper left corner at (x, y); `cmap` applies to arrays without color channels."""
        low, high = limits or (None, None)
        image = self.axes.imshow(
            values, cmap=cmap, vmin=low, vmax=high, extent=(x, x + width, y + height, y), aspect="auto"
        )
        image.set_clip_on(False)

    def box(self, x: float, y: float, width: float, height: float, color: str, opacity: float = 1) -> None:
        """Draw a filled rectangle."""
        box = Rectangle((x, y), width, height, facecolor=color, alpha=opacity, linewidth=0, clip_on=False)
        self.axes.add_patch(box)

    def frame(self, x: float, y: float, width: float, height: float) -> None:
        """Draw a thin outline, which separates a dark picture from a dark page."""
        self.axes.add_patch(
            Rectangle((x, y), width, height, fill=False, edgecolor=INK, alpha=0.25, linewidth=0.6, clip_on=False)
        )

    def line(self, x: tuple[float, float], y: tuple[float, float], **look: Any) -> None:
        """Draw a straight line."""
        ink: dict[str, Any] = {"color": INK, "linewidth": 0.75, "clip_on": False}
        self.axes.plot(x, y, **(ink | look))

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        align: Literal["left", "center", "right"] = "left",
        size: float = SMALL,
        color: str = INK,
        soft: bool = False,
        room: float | None = None,
        **look: Any,
    ) -> None:
        """Write text centered vertically at y, cut with an ellipsis if it needs more than `room` CSS pixels."""
        self.axes.text(
            x,
            y,
            words if room is None else shortened(words, room, size),
            ha=align,
            fontsize=size,
            color=color,
            alpha=SOFT if soft else None,
            **({"va": "center_baseline"} | look),
        )


def needed(words: str, size: float = SMALL) -> float:
    """Return the width that a text needs in CSS pixels at `size` points: that of an average text."""
    return len(words) * size * _WIDE / POINTS_PER_PIXEL


def shortened(words: str, room: float, size: float = SMALL) -> str:
    """Cut a text with an ellipsis so that it fits in `room` CSS pixels at `size` points."""
    letters = max(int(room / needed("x", size)), 1)
    return words if len(words) <= letters else words[: letters - 1].rstrip() + "…"


def as_picture(image: UInt8[np.ndarray, "height width channel"]) -> UInt8[np.ndarray, "..."]:
    """Return an image as matplotlib takes it: with 3 or 4 channels unchanged, otherwise its first channel alone."""
    return image if image.shape[2] in (3, 4) else image[..., 0]
