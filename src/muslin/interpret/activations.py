"""What each layer makes of an image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

from muslin.network import Network, prepare

if TYPE_CHECKING:
    from jaxtyping import Float32, Int64, UInt8
    from torch import Tensor


@torch.no_grad()
def feature_maps(
    network: Network, image: UInt8[np.ndarray, "height width channel"]
) -> dict[str, Float32[np.ndarray, "..."]]:
    """What every layer puts out for one image, in layer order, with dropout off.

    Spatial layers give (height, width, channel), the others (feature,); the last gives logits.
    """
    with evaluating(network):
        outputs = network.activations(to_device(network, image[None]))
    return {
        name: to_numpy(values[0].movedim(0, -1) if values.ndim == 4 else values[0]) for name, values in outputs.items()
    }


def strongest_channels(maps: Float32[np.ndarray, "height width channel"], k: int) -> Int64[np.ndarray, " chosen"]:
    """The `k` channels with the highest mean absolute value over the image, strongest first; or all, if fewer."""
    strength: np.ndarray = np.abs(maps).mean(axis=(0, 1))
    return np.argsort(-strength, kind="stable")[:k]


@contextmanager
def evaluating(network: Network) -> Iterator[None]:
    """Switch dropout off for a while."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


def to_device(network: Network, images: UInt8[np.ndarray, "image height width channel"]) -> Tensor:
    """Images as the network takes them, where the network is."""
    return prepare(images).to(next(network.parameters()).device)


def to_numpy(values: Tensor) -> Float32[np.ndarray, "..."]:
    """A tensor's values, in memory of their own."""
    result: np.ndarray = values.detach().cpu().float().contiguous().numpy()
    return result.copy()
