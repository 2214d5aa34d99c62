"""Draw images of the data set."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from muslin._words import percent
from muslin.data import Split
from muslin.evaluation import Evaluation
from muslin.figures.canvas import Canvas, as_picture
from muslin.figures.style import SMALL, TEXT, VERMILLION, WIDTH, styled

if TYPE_CHECKING:
    from jaxtyping import UInt8

LARGEST_TILE = 120


@styled
def sample_grid(split: Split, class_names: Sequence[str], *, per_class: int = 6) -> Figure:
    """Draw the first images of each class.

    Args:
        split: images and labels to choose from.
        class_names: names of the classes.
        per_class: largest number of images of a class (default 6).
    """
    columns = 2 if len(class_names) > 3 else 1
    rows = ceil(len(class_names) / columns)
    label, gap = 96, 30
    across = (WIDTH - gap * (columns - 1)) / columns
    tile = min((across - label) / per_class, 72.0)
    shape = split.images.shape[1:]
    canvas = Canvas(rows * (tile + 4) + 4)
    for number, name in enumerate(class_names):
        x, y = number // rows * (across + gap), number % rows * (tile + 4) + 4
        canvas.text(x, y + tile / 2, name, size=TEXT, room=label - 6)
        for place, index in enumerate(np.flatnonzero(split.labels == number)[:per_class]):
            _tile(canvas, x + label + place * tile, y, tile - 4, split.images[index], shape)
    return canvas.figure


@styled
def confidently_wrong(
    images: UInt8[np.ndarray, "image height width channel"], evaluation: Evaluation, *, k: int = 21
) -> Figure:
    """Draw the misclassified images with the highest confidence, with their true and predicted classes.

    Args:
        images: the evaluated images, in the order of `evaluation`.
        evaluation: results on the images.
        k: largest number of images to draw (default 21).
    """
    chosen = evaluation.confidently_wrong(k)
    columns = 7
    tile, words = WIDTH / columns, 44
    side = 92
    canvas = Canvas(max(ceil(len(chosen) / columns), 1) * (side + words + 10))
    if len(chosen) == 0:
        canvas.text(0, 20, "No errors.", size=TEXT)
    for place, index in enumerate(chosen):
        x, y = place % columns * tile, place // columns * (side + words + 10) + 2
        _tile(canvas, x, y, side, images[index], images.shape[1:])
        true, called = evaluation.labels[index], evaluation.predictions[index]
        canvas.text(x, y + side + 13, evaluation.class_names[true], room=tile - 4, size=SMALL)
        confidence = percent(float(evaluation.confidences[index]), 0)
        canvas.text(
            x,
            y + side + 29,
            f"{confidence} {evaluation.class_names[called]}",
            color=VERMILLION,
            room=tile - 4,
        )
    return canvas.figure


def _tile(
    canvas: Canvas,
    x: float,
    y: float,
    side: float,
    image: UInt8[np.ndarray, "height width channel"],
    shape: tuple[int, ...],
) -> None:
    """Draw an image in a square, with its proportions."""
    scale = side / max(shape[:2])
    height, width = shape[0] * scale, shape[1] * scale
    left, top = x + (side - width) / 2, y + (side - height) / 2
    canvas.picture(left, top, width, height, as_picture(image), limits=(0, 255))
    canvas.frame(left, top, width, height)
