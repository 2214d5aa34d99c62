"""Draw measured and computed receptive fields."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from muslin.figures.canvas import Canvas
from muslin.figures.style import BLUE, TEXT, VERMILLION, WIDTH, styled

if TYPE_CHECKING:
    from jaxtyping import Bool

_COLUMNS, _TILE, _WORDS, _KEY = 6, 108, 46, 30  # CSS pixels
_SECOND = 170  # CSS pixels: left edge of the key's second entry
_OPACITY = 0.55


@styled
def receptive_fields(
    measured: Mapping[str, Bool[np.ndarray, "height width"]], computed: Mapping[str, tuple[int, int, int, int]]
) -> Figure:
    """Draw the receptive field of each layer's middle unit: measured by gradient (blue) and computed (framed).

    Args:
        measured: pixels with a gradient, by layer (`muslin.interpret.measured_receptive_field`).
        computed: (top, left, bottom, right) of the same units in pixels, by layer (`muslin.interpret.Region.of`).
    """
    columns, rows = min(len(measured), _COLUMNS), ceil(len(measured) / _COLUMNS)
    across, down = WIDTH / _COLUMNS, _TILE + _WORDS
    canvas = Canvas(rows * down + _KEY, max(columns * across, 2 * _SECOND))
    for number, (layer, support) in enumerate(measured.items()):
        x, y = number % _COLUMNS * across, number // _COLUMNS * down + 2
        scale = _TILE / max(support.shape)
        height, width = support.shape[0] * scale, support.shape[1] * scale
        canvas.picture(x, y, width, height, support[..., None] * np.array(to_rgba(BLUE, _OPACITY)))
        canvas.frame(x, y, width, height)
        top, left, bottom, right = (edge * scale for edge in computed[layer])
        canvas.axes.add_patch(
            Rectangle(
                (x + left, y + top),
                right - left,
                bottom - top,
                fill=False,
                edgecolor=VERMILLION,
                linewidth=1.5,
                clip_on=False,
            )
        )
        canvas.text(x, y + _TILE + 13, layer, size=TEXT, room=across - 6)
        canvas.text(x, y + _TILE + 29, _words(support, computed[layer]), soft=True)
    _key(canvas, rows * down + 14)
    return canvas.figure


def _words(support: np.ndarray, computed: tuple[int, int, int, int]) -> str:
    high, wide = (int(support.any(axis=axis).sum()) for axis in (1, 0))
    top, left, bottom, right = computed
    said = f"{high}×{wide}"
    return said if (high, wide) == (bottom - top, right - left) else f"{said}, computed {bottom - top}×{right - left}"


def _key(canvas: Canvas, y: float) -> None:
    canvas.box(0, y - 5, 10, 10, BLUE, _OPACITY)
    canvas.text(16, y, "measured by gradient", soft=True)
    canvas.axes.add_patch(
        Rectangle((_SECOND, y - 5), 10, 10, fill=False, edgecolor=VERMILLION, linewidth=1.5, clip_on=False)
    )
    canvas.text(_SECOND + 16, y, "computed from the design", soft=True)
