"""Draw the kernels of a convolution."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from muslin._words import signed
from muslin.figures.canvas import Canvas
from muslin.figures.style import DIVERGING, SMALL, WIDTH, styled

if TYPE_CHECKING:
    from jaxtyping import Float

COLORS = 3  # number of channels that are drawn as red, green and blue
LABEL, BAR = 20, 58  # CSS pixels below each picture for its number, and below all pictures for the scale


@styled
def filters(kernels: Float[np.ndarray, "filter height width channel"]) -> Figure:
    """Draw all kernels on one scale that is symmetric about zero.

    A kernel with three channels is drawn as one color picture in which gray is zero; the channels of other kernels are
    drawn side by side.

    Args:
        kernels: weights of the kernels (`muslin.interpret.filters`).
    """
    count, height, width, channels = kernels.shape
    limit = scale_of(kernels)
    panels = 1 if channels == COLORS else channels
    columns = _columns(count, panels * width / height)
    across = WIDTH / columns
    box = across - 10
    scale = min(box / (panels * width), 84 / height)
    down = scale * height + LABEL
    canvas = Canvas(ceil(count / columns) * down + (BAR if channels != COLORS else 30))
    for number, kernel in enumerate(kernels):
        x = number % columns * across + (across - scale * panels * width) / 2
        y = number // columns * down + 2
        draw_kernel(canvas, x, y, scale, kernel, limit)
        canvas.text(
            x + scale * panels * width / 2, y + scale * height + 9, str(number), align="center", soft=True, size=SMALL
        )
    bottom = ceil(count / columns) * down
    if channels == COLORS:
        canvas.text(WIDTH / 2, bottom + 14, f"gray: weight 0; full color: ±{limit:.2g}", align="center", soft=True)
    else:
        _scale(canvas, bottom + 16, limit)
    return canvas.figure


def scale_of(kernels: Float[np.ndarray, "..."]) -> float:
    """Return the absolute weight at the ends of the scale."""
    return float(np.abs(kernels).max(initial=0)) or 1.0


def draw_kernel(
    canvas: Canvas, x: float, y: float, scale: float, kernel: Float[np.ndarray, "height width channel"], limit: float
) -> None:
    """Draw one kernel at `scale` CSS pixels per weight, in color or channel by channel."""
    height, width, channels = kernel.shape
    if channels == COLORS:
        canvas.picture(x, y, scale * width, scale * height, np.clip(0.5 + kernel / (2 * limit), 0, 1))
        canvas.frame(x, y, scale * width, scale * height)
        return
    for channel in range(channels):
        left = x + channel * scale * width
        canvas.picture(
            left, y, scale * width, scale * height, kernel[..., channel], cmap=DIVERGING, limits=(-limit, limit)
        )
        canvas.frame(left, y, scale * width, scale * height)


def _columns(count: int, shape: float) -> int:
    """Return the number of pictures in a row; it divides `count` if possible."""
    most = max(int((8 if count <= 32 else 16 if count <= 128 else 24) / max(shape, 0.5)), 1)
    if count <= most:
        return max(count, min(most, 6))
    full = [columns for columns in range(most, most // 2, -1) if count % columns == 0]
    return full[0] if full else most


def _scale(canvas: Canvas, y: float, limit: float) -> None:
    length = 260.0
    left = (WIDTH - length) / 2
    canvas.picture(left, y, length, 10, np.linspace(-1, 1, 128)[None], cmap=DIVERGING)
    canvas.frame(left, y, length, 10)
    for place, value in ((0.0, -limit), (0.5, 0.0), (1.0, limit)):
        canvas.text(left + place * length, y + 22, signed(value) if value else "0", align="center", soft=True)
    canvas.text(left - 12, y + 5, "weight", align="right", soft=True)
