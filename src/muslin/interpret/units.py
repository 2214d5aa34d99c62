"""The images, and the positions in them, that activate each filter most."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

_TOGETHER = 100  # images per batch, which need a few megabytes for the feature maps


class Unit(NamedTuple):
    """One unit of a layer for one image.

    Attributes:
        value: output of the unit.
        image: index of the image.
        row: row in the feature map; 0 for a layer without spatial axes.
        column: column in the feature map; 0 for a layer without spatial axes.
    """

    value: float
    image: int
    row: int
    column: int


class StrongestUnits:
    """The units with the largest outputs for each channel of a layer, at most one per image.

    Outputs are added batch by batch. The memory does not grow with the number of images.

    Args:
        keep: number of units to keep per channel (default 9).
    """

    def __init__(self, keep: int = 9) -> None:
        self.keep = keep
        self._images = 0
        self._values: np.ndarray | None = None  # (channel, kept)
        self._places: np.ndarray = np.empty((0, 0, 3), np.int64)  # image, row, column

    @property
    def channels(self) -> int:
        """The number of channels of the layer; 0 before any outputs are added."""
        return 0 if self._values is None else len(self._values)

    def add(self, outputs: Float[np.ndarray, "image channel ..."]) -> None:
        """Add the layer's outputs for the next images.

        Args:
            outputs: outputs of shape (image, channel, height, width) or (image, channel).
        """
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
        """Return the strongest units of one channel, strongest first, without units whose output is 0 or less."""
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
    """Find the strongest units of some layers over many images.

    Args:
        activations: function that computes the output of every layer for a batch of images, channels first
            (`Predictor.activations`).
        images: images as bytes, 0–255; any number.
        layers: names of the layers.
        keep: number of units to keep per channel (default 9).

    Returns:
        Strongest units by layer name.
    """
    found = {layer: StrongestUnits(keep) for layer in layers}
    for start in range(0, len(images), _TOGETHER):
        outputs = activations(images[start : start + _TOGETHER])
        for layer, units in found.items():
            units.add(outputs[layer])
    return found
