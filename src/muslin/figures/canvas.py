"""A sheet to lay pictures and words on by the pixel, for figures that are no plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from muslin.figures.style import GRAY, INK, PIXELS_PER_INCH, SMALL, SOFT, WIDTH

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

POINTS_PER_PIXEL = 0.75
_WIDE = 0.58  # of the type size: the mean width of a letter in the widest of the fonts


class Canvas:
    """A figure with one co-ordinate system: CSS pixels from the upper left corner."""

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
        cmap: Colormap = GRAY,
        limits: tuple[float, float] | None = None,
    ) -> None:
        """Lay an array down, its upper left corner at (x, y); colour arrays as they are, others through `cmap`."""
        low, high = limits or (None, None)
        image = self.axes.imshow(
            values, cmap=cmap, vmin=low, vmax=high, extent=(x, x + width, y + height, y), aspect="auto"
        )
        image.set_clip_on(False)

    def box(self, x: float, y: float, width: float, height: float, color: str, opacity: float = 1) -> None:
        """A filled rectangle."""
        box = Rectangle((x, y), width, height, facecolor=color, alpha=opacity, linewidth=0, clip_on=False)
        self.axes.add_patch(box)

    def frame(self, x: float, y: float, width: float, height: float) -> None:
        """A thin outline, so that a dark picture has an edge on a dark page."""
        self.axes.add_patch(
            Rectangle((x, y), width, height, fill=False, edgecolor=INK, alpha=0.25, linewidth=0.6, clip_on=False)
        )

    def line(self, x: tuple[float, float], y: tuple[float, float], **look: Any) -> None:
        """A straight line."""
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
        """Words whose middle height is y; cut with an ellipsis if they need more than `room` pixels."""
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


def shortened(words: str, room: float, size: float = SMALL) -> str:
    """Words cut with an ellipsis to what surely fits in `room` CSS pixels at `size` points."""
    letters = max(int(room * POINTS_PER_PIXEL / (size * _WIDE)), 1)
    return words if len(words) <= letters else words[: letters - 1].rstrip() + "…"


def as_picture(image: UInt8[np.ndarray, "height width channel"]) -> UInt8[np.ndarray, "..."]:
    """An image as matplotlib takes it: grey ones without a channel axis; of other than 1, 3 or 4 channels the first."""
    return image if image.shape[2] in (3, 4) else image[..., 0]
