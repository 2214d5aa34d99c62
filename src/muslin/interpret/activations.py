"""Feature maps: the output of each layer for an image."""

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
    """Compute the output of every layer for one image, with dropout off.

    Args:
        network: network on any device; its training mode is restored afterwards.
        image: image as bytes, 0–255.

    Returns:
        Outputs by layer name, in forward order: shape (height, width, channel) for spatial layers and (feature,) for
        the others. The last output is the logits.
    """
    with evaluating(network):
        outputs = network.activations(to_device(network, image[None]))
    return {
        name: to_numpy(values[0].movedim(0, -1) if values.ndim == 4 else values[0]) for name, values in outputs.items()
    }


def strongest_channels(maps: Float32[np.ndarray, "height width channel"], k: int) -> Int64[np.ndarray, " chosen"]:
    """Return the indices of the channels with the highest mean absolute value, strongest first.

    Args:
        maps: feature maps of one layer.
        k: largest number of channels to return.
    """
    strength: np.ndarray = np.abs(maps).mean(axis=(0, 1))
    return np.argsort(-strength, kind="stable")[:k]


@contextmanager
def evaluating(network: Network) -> Iterator[None]:
    """Switch to evaluation mode within this context, and restore the training mode afterwards."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


def to_device(network: Network, images: UInt8[np.ndarray, "image height width channel"]) -> Tensor:
    """Convert images to network input on the device of the network."""
    return prepare(images).to(next(network.parameters()).device)


def to_numpy(values: Tensor) -> Float32[np.ndarray, "..."]:
    """Copy a tensor to a float32 array."""
    result: np.ndarray = values.detach().cpu().float().contiguous().numpy()
    return result.copy()
