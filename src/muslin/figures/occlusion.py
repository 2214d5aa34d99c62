"""Draw occlusion maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from muslin._words import MINUS, number, percent
from muslin.figures.cam import colored, overlay
from muslin.figures.canvas import Canvas, as_picture
from muslin.figures.style import TEXT, WIDTH, styled

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

_TILE, _GAP, _WORDS, _SCALE = 180, 16, 46, 46  # CSS pixels
_NARROWEST = 640  # CSS pixels: room for the scale and its words
_LEAST = 0.01  # smallest end of the scale, in probability; a finer scale would show noise


@styled
def occlusion_maps(
    image: UInt8[np.ndarray, "height width channel"],
    losses: Float[np.ndarray, "class row column"],
    probabilities: Float[np.ndarray, " class"],
    class_names: Sequence[str],
) -> Figure:
    """Draw the image and an occlusion map for each class: vermillion where covering lowers the class's probability.

    All maps share one scale.

    Args:
        image: the network's input image, 0–255.
        losses: occlusion map of each class to show (`muslin.interpret.occlusion_map`).
        probabilities: the network's probabilities of these classes, 0–1.
        class_names: names of these classes.
    """
    tile = min(_TILE, (WIDTH - len(losses) * _GAP) / (len(losses) + 1))
    scale = tile / max(image.shape[:2])
    height, width = image.shape[0] * scale, image.shape[1] * scale
    across = len(losses) * (tile + _GAP) + tile
    canvas = Canvas(tile + _WORDS + _SCALE, max(across, _NARROWEST))
    most = max(float(np.abs(losses).max()), _LEAST)
    shown: list[np.ndarray] = [as_picture(image), *(overlay(image, np.clip(each / most, -1, 1)) for each in losses)]
    words = [("image", "")] + [
        (name, percent(float(probability))) for name, probability in zip(class_names, probabilities, strict=True)
    ]
    for column, (picture, (name, sure)) in enumerate(zip(shown, words, strict=True)):
        x = (canvas.width - across) / 2 + column * (tile + _GAP)
        canvas.picture(x, 2, width, height, picture, limits=(0, 255))
        canvas.frame(x, 2, width, height)
        canvas.text(x, tile + 15, name, size=TEXT, room=tile)
        canvas.text(x, tile + 31, sure, soft=True)
    _scale(canvas, tile + _WORDS + 8, most)
    return canvas.figure


def _scale(canvas: Canvas, y: float, most: float) -> None:
    length = 220.0
    left = (canvas.width - length) / 2
    canvas.picture(left, y, length, 10, colored(np.full((1, 128), 90.0), np.linspace(-1, 1, 128)[None]))
    canvas.frame(left, y, length, 10)
    canvas.text(left - 10, y + 5, "covering raises the probability", align="right", soft=True)
    canvas.text(left + length + 10, y + 5, "covering lowers the probability", soft=True)
    points = number(100 * most)
    for place, words in ((0.0, f"+{points}"), (0.5, "0"), (1.0, f"{MINUS}{points} points")):
        canvas.text(left + place * length, y + 22, words, align="center", soft=True)
