"""Draw the maximally activating patches of each filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from muslin._words import decimals, number
from muslin.figures.canvas import Canvas, as_picture
from muslin.figures.style import TEXT, WIDTH, styled
from muslin.interpret import Region, StrongestUnits, Unit

if TYPE_CHECKING:
    from jaxtyping import UInt8

MOST_FILTERS = 12  # of a layer
PATCHES = 6  # of a filter
_COLUMNS, _TILE, _GAP, _LABEL, _HEAD = 2, 52, 4, 78, 34  # CSS pixels
_BLOCK = 20  # between layers


@styled
def strongest_patches(
    images: UInt8[np.ndarray, "image height width channel"],
    units: Mapping[str, StrongestUnits],
    regions: Mapping[str, Region],
) -> Figure:
    """Draw the maximally activating patches of each layer's filters, highest activation first.

    A patch is the receptive field of a unit; its part outside the image is black, as zero padding is. If a layer has
    more than twelve filters, the twelve with the highest activations are drawn.

    Args:
        images: the searched images, 0–255.
        units: strongest units of each layer to draw (`muslin.interpret.strongest_units`).
        regions: receptive fields of the units of each layer (`muslin.interpret.unit_regions`).
    """
    chosen = {layer: _chosen(found) for layer, found in units.items()}
    heights = {layer: _HEAD + ceil(len(rows) / _COLUMNS) * (_TILE + 8) for layer, rows in chosen.items()}
    canvas = Canvas(sum(heights.values()) + _BLOCK * (len(heights) - 1))
    top, across = 0.0, WIDTH / _COLUMNS
    for layer, rows in chosen.items():
        region = regions[layer]
        canvas.text(0, top + 8, layer, size=TEXT, weight="bold")
        canvas.text(0, top + 23, _about(region, len(rows), units[layer]), soft=True)
        for position, (channel, strong) in enumerate(rows):
            x, y = position % _COLUMNS * across, top + _HEAD + position // _COLUMNS * (_TILE + 8)
            canvas.text(x, y + _TILE / 2 - 7, f"filter {channel}", size=TEXT)
            words = f"max {_plain(strong[0].value)}" if strong else "always zero"
            canvas.text(x, y + _TILE / 2 + 9, words, soft=True)
            for place, unit in enumerate(strong[:PATCHES]):
                _patch(canvas, x + _LABEL + place * (_TILE + _GAP), y, images[unit.image], region, unit)
        top += heights[layer] + _BLOCK
    return canvas.figure


def _chosen(found: StrongestUnits) -> list[tuple[int, Sequence[Unit]]]:
    """Return the filters with the highest activations and their units, in the layer's order."""
    rows = [(channel, found.of(channel)) for channel in range(found.channels)]
    strongest = sorted(rows, key=lambda row: -row[1][0].value if row[1] else 0.0)[:MOST_FILTERS]
    return sorted(strongest, key=lambda row: row[0])


def _about(region: Region, shown: int, found: StrongestUnits) -> str:
    sees = f"receptive field {region.size[0]}×{region.size[1]} pixels"
    return (
        sees
        if shown == found.channels
        else f"{sees}; the {shown} of {found.channels} filters with the highest activations"
    )


def _plain(value: float) -> str:
    return number(value, decimals(value) if value < 10 else 0)


def _patch(
    canvas: Canvas, x: float, y: float, image: UInt8[np.ndarray, "height width channel"], region: Region, unit: Unit
) -> None:
    height, width = region.size
    top, left = (
        start + place * stride
        for start, place, stride in zip(region.start, (unit.row, unit.column), region.stride, strict=True)
    )
    whole = np.zeros((height, width, image.shape[2]), np.uint8)
    upper, lefter, lower, righter = region.of(unit.row, unit.column)
    whole[upper - top : lower - top, lefter - left : righter - left] = image[upper:lower, lefter:righter]
    scale = _TILE / max(height, width)
    canvas.picture(x, y, width * scale, height * scale, as_picture(whole), limits=(0, 255))
    canvas.frame(x, y, width * scale, height * scale)
