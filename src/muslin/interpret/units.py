"""The images, and the places in them, that excite each filter most."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

_TOGETHER = 100  # images at a time: a few megabytes of feature maps


class Unit(NamedTuple):
    """One unit of a layer, on one image.

    Attributes:
        value: what it put out.
        image: the image's number.
        row: its place in the feature map …
        column: … 0 and 0 for a layer without places.
    """

    value: float
    image: int
    row: int
    column: int


class StrongestUnits:
    """Keeps, for each channel of a layer, the units that fired strongest: at most one per image.

    Feed it batch after batch; memory doesn't grow with the number of images.

    Args:
        keep: how many per channel.
    """

    def __init__(self, keep: int = 9) -> None:
        self.keep = keep
        self._images = 0
        self._values: np.ndarray | None = None  # (channel, kept)
        self._places: np.ndarray = np.empty((0, 0, 3), np.int64)  # image, row, column

    @property
    def channels(self) -> int:
        """How many channels the layer has; 0 until it was looked at."""
        return 0 if self._values is None else len(self._values)

    def add(self, outputs: Float[np.ndarray, "image channel ..."]) -> None:
        """Look over the layer's outputs for the next images, (image, channel, height, width) or (image, channel)."""
        images, channels = outputs.shape[:2]
        width = outputs.shape[3] if outputs.ndim == 4 else 1
        flat = outputs.reshape(images, channels, -1)
        at = flat.argmax(axis=2)
        values = np.take_along_axis(flat, at[..., None], 2)[..., 0].T
        numbers = np.broadcast_to(np.arange(images) + self._images, (channels, images))
        places = np.stack([numbers, at.T // width, at.T % width], axis=-1)
        self._images += images
        if self._values is not None:
            values = np.concatenate([self._values, values], axis=1)
            places = np.concatenate([self._places, places], axis=1)
        order = np.argsort(-values, axis=1, kind="stable")[:, : self.keep]
        self._values = np.take_along_axis(values, order, 1)
        self._places = np.take_along_axis(places, order[..., None], 1)

    def of(self, channel: int) -> tuple[Unit, ...]:
        """The strongest units of one channel, strongest first; those that put out nothing are left out."""
        if self._values is None:
            return ()
        return tuple(
            Unit(float(value), *(int(part) for part in place))
            for value, place in zip(self._values[channel], self._places[channel], strict=True)
            if value > 0
        )


def strongest_units(
    activations: Callable[[UInt8[np.ndarray, "image height width channel"]], Mapping[str, Float[np.ndarray, "..."]]],
    images: UInt8[np.ndarray, "image height width channel"],
    layers: Collection[str],
    keep: int = 9,
) -> dict[str, StrongestUnits]:
    """Look through images for what makes the channels of some layers fire strongest.

    Args:
        activations: what every layer puts out for a stack of images, channels first (`Predictor.activations`).
        images: bytes 0–255, any number.
        layers: their names.
        keep: units per channel.
    """
    found = {layer: StrongestUnits(keep) for layer in layers}
    for start in range(0, len(images), _TOGETHER):
        outputs = activations(images[start : start + _TOGETHER])
        for layer, units in found.items():
            units.add(outputs[layer])
    return found
