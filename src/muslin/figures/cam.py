"""Draw class activation maps."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from muslin._words import decimals, number
from muslin.figures.canvas import Canvas, as_picture
from muslin.figures.style import BLUE, TEXT, VERMILLION, WIDTH, styled
from muslin.interpret import ClassActivationMaps

if TYPE_CHECKING:
    from jaxtyping import Float, Int64, UInt8

COLUMNS = 5
SATURATED = 0.98  # share of all positions whose evidence lies inside the color scale
FINEST = 8  # pixels of the overlay per pixel of a small image, for smooth color gradients
_TILE, _WORDS, _SCALE = 80, 46, 46  # CSS pixels
_NARROWEST = 500  # CSS pixels: room for the scale and its words


@styled
def class_activation_maps(
    images: UInt8[np.ndarray, "image height width channel"],
    maps: ClassActivationMaps,
    labels: Int64[np.ndarray, " image"] | None,
    class_names: Sequence[str],
) -> Figure:
    """Draw each image beside its class activation map: evidence for the class is vermillion, against it blue.

    All exact maps share one scale in logits, which clips the most extreme 2% of positions. Grad-CAM maps are scaled
    separately.

    Args:
        images: the network's input images, 0–255.
        maps: class activation maps of the images (`muslin.interpret.class_activation_maps`).
        labels: true classes of the images; None if they are unknown or if several maps explain one image.
        class_names: names of the classes.
    """
    columns, rows = min(len(images), COLUMNS), ceil(len(images) / COLUMNS)
    across, down = WIDTH / COLUMNS, _TILE + _WORDS + 8
    canvas = Canvas(rows * down + _SCALE, max(columns * across, _NARROWEST))
    start = (canvas.width - columns * across) / 2
    exact = maps.method == "exact"
    most = float(np.quantile(np.abs(maps.maps), SATURATED)) or 1.0
    digits = decimals(float(np.abs(maps.logits).max()))
    for place, (image, evidence) in enumerate(zip(images, maps.maps, strict=True)):
        x, y = start + place % COLUMNS * across, place // COLUMNS * down + 2
        scale = _TILE / max(image.shape[:2])
        height, width = image.shape[0] * scale, image.shape[1] * scale
        limit = most if exact else float(evidence.max()) or 1.0
        colors = np.clip(evidence / limit, -1, 1)
        canvas.picture(x, y, width, height, as_picture(image), limits=(0, 255))
        canvas.picture(x + _TILE + 3, y, width, height, overlay(image, colors))
        for left in (x, x + _TILE + 3):
            canvas.frame(left, y, width, height)
        explained = int(maps.classes[place])
        true = explained if labels is None else int(labels[place])
        logit = f"logit {number(float(maps.logits[place]), digits)}"
        canvas.text(x, y + _TILE + 13, class_names[true], size=TEXT, room=across - 6)
        if true == explained:
            words = logit if labels is None else f"correct, {logit}"
            canvas.text(x, y + _TILE + 29, words, soft=True, room=across - 6)
        else:
            words = f"predicted {class_names[explained]}"
            canvas.text(x, y + _TILE + 29, words, color=VERMILLION, room=across - 6)
    _scale(canvas, rows * down + 8, most, exact=exact)
    return canvas.figure


def overlay(
    image: UInt8[np.ndarray, "height width channel"], evidence: Float[np.ndarray, "height width"]
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return the image in gray, colored by evidence from −1 to 1."""
    finer = FINEST if max(image.shape[:2]) <= 64 else 1
    size = (image.shape[1] * finer, image.shape[0] * finer)
    gray = Image.fromarray(image.mean(axis=2).astype(np.float32)).resize(size, Image.Resampling.NEAREST)
    smooth = Image.fromarray(evidence.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return colored(np.asarray(gray), np.asarray(smooth))


def colored(gray: np.ndarray, evidence: np.ndarray) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return a dimmed gray picture whose color saturation shows the amount of evidence."""
    ground = (40 + 0.62 * gray)[..., None].repeat(3, axis=2)
    hue = np.where(evidence[..., None] > 0, 255 * np.array(to_rgb(VERMILLION)), 255 * np.array(to_rgb(BLUE)))
    opacity = (0.85 * np.abs(evidence) ** 0.8)[..., None]
    mixed: np.ndarray = np.clip(ground * (1 - opacity) + hue * opacity, 0, 255).astype(np.uint8)
    return mixed


def _scale(canvas: Canvas, y: float, most: float, *, exact: bool) -> None:
    length = 220.0
    left = (canvas.width - length) / 2
    values = np.linspace(-1 if exact else 0, 1, 128)[None]
    canvas.picture(left, y, length, 10, colored(np.full(values.shape, 90.0), values))
    canvas.frame(left, y, length, 10)
    if exact:
        canvas.text(left - 10, y + 5, "against the class", align="right", soft=True)
        canvas.text(left + length + 10, y + 5, "for the class", soft=True)
        amount = number(most, decimals(most, least=0))
        end = f"{amount} {'logit' if amount == '1' else 'logits'} or more"
        for place, words in ((0.0, end), (0.5, "0"), (1.0, end)):
            canvas.text(left + place * length, y + 22, words, align="center", soft=True)
    else:
        canvas.text(left - 10, y + 5, "no evidence", align="right", soft=True)
        canvas.text(left + length + 10, y + 5, "maximum of the image", soft=True)
        canvas.text(
            left + length / 2, y + 22, "Grad-CAM: the scale differs from image to image", align="center", soft=True
        )
