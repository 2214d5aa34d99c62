"""Draw the feature maps of one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from muslin._words import decimals, number
from muslin.design import describe_shape
from muslin.figures.canvas import Canvas, as_picture
from muslin.figures.style import BLUE, GRAY, SEQUENTIAL, SMALL, TEXT, VERMILLION, WIDTH, styled
from muslin.interpret import strongest_channels

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

STRONGEST = 4  # channels of each layer that are drawn besides the first non-zero one
MOST_COLUMNS = 9  # layers in a row; more continue in the next row
MOST_FEATURES = 1024  # largest number of visible bars
MOST_CLASSES = 12  # largest number of bars that have room for names
_LEFT, _HEAD, _NUMBER, _GAP = 76, 40, 17, 8  # CSS pixels


@styled
def feature_maps(
    image: UInt8[np.ndarray, "height width channel"],
    maps: Mapping[str, Float[np.ndarray, "..."]],
    class_names: Sequence[str],
) -> Figure:
    """Draw the image, the first and the strongest channels of each layer, and the features and logits as bars.

    The first channel is the first that is not zero everywhere: filters that never respond to the image say little.
    Each map is scaled from its minimum (from zero if that is positive) to its maximum.

    Args:
        image: the network's input image, 0–255.
        maps: output of each layer for the image, in order (`muslin.interpret.feature_maps`).
        class_names: names of the classes.
    """
    spatial = {name: values for name, values in maps.items() if values.ndim == 3}
    rows_of_features = _features(maps)
    layers = [("input", image), *spatial.items()]
    bands = [layers[start : start + MOST_COLUMNS] for start in range(0, len(layers), MOST_COLUMNS)]
    across = min((WIDTH - _LEFT) / max(len(band) for band in bands), 150.0)
    tile = across - _GAP
    band_height = _HEAD + (1 + STRONGEST) * (tile + _NUMBER) + 12
    canvas = Canvas(len(bands) * band_height + sum(_room(values) for values in rows_of_features.values()))
    for place, band in enumerate(bands):
        _band(canvas, place * band_height, band, across, tile)
    y = len(bands) * band_height
    last = list(maps)[-1]
    for name, values in rows_of_features.items():
        names = class_names if name == last and len(values) <= MOST_CLASSES else None
        _bars(canvas, y, name, values, names, logits=name == last)
        y += _room(values)
    return canvas.figure


def _band(canvas: Canvas, top: float, layers: Sequence[tuple[str, np.ndarray]], across: float, tile: float) -> None:
    for row, lines in enumerate((("first", "non-zero", "channel"), ("strongest", "channels"))):
        middle = top + _HEAD + row * (tile + _NUMBER) + tile / 2
        for line, words in enumerate(lines):
            canvas.text(0, middle + 14 * (line - (len(lines) - 1) / 2), words, size=TEXT)
    for column, (name, values) in enumerate(layers):
        x = _LEFT + column * across
        canvas.text(x + tile / 2, top + 12, name, align="center", size=TEXT, room=across - 2)
        canvas.text(x + tile / 2, top + 27, describe_shape(values.shape), align="center", soft=True, room=across)
        if values.dtype == np.uint8:
            _map(canvas, x, top + _HEAD, tile, values, None)
            continue
        strongest = strongest_channels(values, STRONGEST)
        for row, channel in enumerate([_first(values), *strongest.tolist()]):
            y = top + _HEAD + row * (tile + _NUMBER)
            _map(canvas, x, y, tile, values, channel)


def _first(values: np.ndarray) -> int:
    """Return the first channel that is not zero everywhere; 0 if all are."""
    return int(values.any(axis=(0, 1)).argmax())


def _map(canvas: Canvas, x: float, y: float, tile: float, values: np.ndarray, channel: int | None) -> None:
    scale = tile / max(values.shape[:2])
    height, width = values.shape[0] * scale, values.shape[1] * scale
    left, top = x + (tile - width) / 2, y + (tile - height) / 2
    if channel is None:
        canvas.picture(left, top, width, height, as_picture(values), limits=(0, 255))
    else:
        one = values[..., channel]
        low, high = min(float(one.min()), 0.0), float(one.max())
        canvas.picture(left, top, width, height, one, cmap=SEQUENTIAL, limits=(low, high if high > low else low + 1))
        words = f"{channel}" if one.any() else f"{channel}: all zero"
        canvas.text(x + tile / 2, y + tile + 8, words, align="center", soft=True)
    canvas.frame(left, top, width, height)


def _features(maps: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the layers to draw as bars: without spatial axes, not too long, and not equal to the layer before."""
    rows: dict[str, np.ndarray] = {}
    before = np.empty(0)
    for name, values in maps.items():
        if values.ndim == 1:
            if len(values) <= MOST_FEATURES and not np.array_equal(values, before):
                rows[name] = values
            before = values
    return rows


def _room(values: np.ndarray) -> float:
    return 154 if len(values) <= MOST_CLASSES else 106


def _bars(
    canvas: Canvas, top: float, name: str, values: np.ndarray, class_names: Sequence[str] | None, *, logits: bool
) -> None:
    canvas.text(0, top + 8, name, size=TEXT, weight="bold")
    canvas.text(0, top + 23, f"{len(values)} {'logits' if logits else 'features'}", soft=True)
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    height = 56.0
    scale = height / (high - low or 1)
    bars = top + (50 if class_names else 34)  # values stand above the bars of classes
    zero = bars + high * scale
    across = WIDTH / len(values)
    gap = 14 if class_names else min(across * 0.2, 3)
    best = int(values.argmax())
    digits = decimals(float(np.abs(values).max()))
    for place, value in enumerate(values.tolist()):
        x = place * across
        color = GRAY if class_names and place != best else VERMILLION if value < 0 and not class_names else BLUE
        canvas.box(x, min(zero, zero - value * scale), across - gap, abs(value) * scale, color, 0.85)
        if class_names:
            middle = x + (across - gap) / 2
            words = number(value, digits)
            canvas.text(middle, zero - max(value, 0) * scale - 8, words, align="center", soft=place != best)
            canvas.text(middle, bars + height + 14, class_names[place], align="center", room=across - 2, size=SMALL)
    canvas.line((0, WIDTH), (zero, zero), alpha=0.4)
