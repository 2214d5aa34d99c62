"""Draw the patterns that filters respond to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from muslin._words import percent
from muslin.figures.canvas import Canvas
from muslin.figures.kernels import draw_kernel, scale_of
from muslin.figures.style import BLUE, GRAY, GREEN, PURPLE, SMALL, TEXT, VERMILLION, WIDTH, styled
from muslin.interpret import PARTS, FilterDescription, Part

if TYPE_CHECKING:
    from jaxtyping import Float

MOST = 64  # largest number of filters that are drawn individually
_COLORS: dict[Part, str] = {"flat": GRAY, "edge": BLUE, "line": GREEN, "spot": VERMILLION, "texture": PURPLE}
_MEANINGS: dict[Part, str] = {
    "flat": "flat (brightness)",
    "edge": "edge",
    "line": "line",
    "spot": "spot",
    "texture": "finer texture",
}
_HEAD, _SUMMARY, _ROW = 34, 62, 25
_KINDS = (*PARTS, "mixed", "zero")


@styled
def filter_responses(
    kernels: Float[np.ndarray, "filter height width channel"],
    descriptions: Sequence[FilterDescription],
    by_chance: Mapping[Part, float],
) -> Figure:
    """Draw each filter's energy, split into the patterns that it responds to, sorted by kind and strength.

    The bars at the top compare all filters with filters of random weights. The 64 strongest filters are drawn
    individually.

    Args:
        kernels: weights of the filters (`muslin.interpret.filters`).
        descriptions: descriptions of the filters (`muslin.interpret.describe_filters`).
        by_chance: energy shares of random filters (`muslin.interpret.chance`).
    """
    strongest = sorted(range(len(kernels)), key=lambda number: -descriptions[number].strength)[:MOST]
    order = sorted(
        strongest, key=lambda number: (_KINDS.index(descriptions[number].kind), -descriptions[number].strength)
    )
    columns = 1 if len(order) <= 8 else 2
    rows = ceil(len(order) / columns)
    across = WIDTH / columns
    canvas = Canvas(_HEAD + _SUMMARY + 16 + rows * _ROW + (20 if len(kernels) > MOST else 0))
    _legend(canvas)
    _summary(canvas, descriptions, by_chance)
    limit = scale_of(kernels)
    for place, number in enumerate(order):
        x, y = place // rows * across, _HEAD + _SUMMARY + 16 + place % rows * _ROW
        height, width, channels = kernels.shape[1:]
        scale = min((_ROW - 4) / height, 44 / (width * (1 if channels == 3 else channels)))
        canvas.text(x + 20, y + _ROW / 2 - 2, str(number), align="right", soft=True)
        draw_kernel(canvas, x + 28, y, scale, kernels[number], limit)
        left = x + 80
        _shares(canvas, left, y + 4, across - 80 - 168, _ROW - 12, descriptions[number].shares)
        canvas.text(x + across - 160, y + _ROW / 2 - 2, str(descriptions[number]), room=156)
    if len(kernels) > MOST:
        canvas.text(0, canvas.height - 10, f"The strongest {MOST} of {len(kernels)} filters.", soft=True)
    return canvas.figure


def _legend(canvas: Canvas) -> None:
    x = 120.0
    for part in PARTS:
        canvas.box(x, 7, 12, 12, _COLORS[part], 0.9)
        canvas.text(x + 18, 13, _MEANINGS[part], size=TEXT)
        x += 46 + 6.6 * len(_MEANINGS[part])


def _summary(canvas: Canvas, descriptions: Sequence[FilterDescription], by_chance: Mapping[Part, float]) -> None:
    energies = np.array([description.strength**2 for description in descriptions])
    total = float(energies.sum()) or 1.0
    together = {
        part: float(np.dot(energies, [description.shares[part] for description in descriptions])) / total
        for part in PARTS
    }
    for place, (name, shares) in enumerate((("all filters", together), ("random weights", by_chance))):
        y = _HEAD + place * 26
        canvas.text(110, y + 10, name, align="right", size=TEXT)
        _shares(canvas, 120, y, WIDTH - 120, 20, shares, numbers=True)


def _shares(
    canvas: Canvas,
    x: float,
    y: float,
    width: float,
    height: float,
    shares: Mapping[Part, float],
    *,
    numbers: bool = False,
) -> None:
    for part in PARTS:
        wide = width * shares[part]
        if wide > 1:
            canvas.box(x, y, wide - 1, height, _COLORS[part], 0.9)
        if numbers and wide > 40:
            words = percent(shares[part], 0)
            ink = "black" if part == "texture" else "white"
            canvas.text(x + wide / 2, y + height / 2, words, align="center", color=ink, size=SMALL, weight="bold")
        x += wide
