"""Receptive fields measured by gradients, to check the computed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from muslin.design import AvgPool2d, Conv2d, Dense, Design, GlobalAvgPool2d, GlobalMaxPool2d, Layer, MaxPool2d
from muslin.network import Network

if TYPE_CHECKING:
    from jaxtyping import Bool


def measured_receptive_field(
    design: Design, layer: str, position: tuple[int, int] | None = None
) -> Bool[np.ndarray, "height width"]:
    """Measure the input pixels that can affect one unit of a layer: the support of its gradient.

    The measurement uses a linear copy of the design with the same windows, strides, dilation and padding, but with
    positive weights, without activation functions, and with means in place of maxima, so that no path is inactive or
    cancels out. It finds what a unit *can* see; a trained unit uses less (Luo et al., "Understanding the Effective
    Receptive Field in Deep Convolutional Neural Networks", NeurIPS 2016).

    Args:
        design: design of the network; its weights do not matter.
        layer: name of any layer.
        position: (row, column) of the unit in a spatial layer (default: the middle of the feature map).

    Returns:
        True for every pixel that can affect the unit.

    Raises:
        KeyError: if the design has no such layer.
    """
    design.layer(layer)
    layers = tuple(_linear(part) for part in design.layers)
    twin = Network(Design(name=design.name, input_shape=design.input_shape, layers=layers)).double().eval()
    for parameter in twin.parameters():
        # With weights of 1 / (number of inputs), values stay near 1 in a network of any depth.
        torch.nn.init.constant_(parameter, 1 / max(parameter[0].numel(), 1))
    height, width, channels = design.input_shape
    image = torch.ones((1, channels, height, width), dtype=torch.float64, requires_grad=True)
    units = twin.activations(image)[layer][0]
    if units.ndim == 3:
        row, column = position or (units.shape[1] // 2, units.shape[2] // 2)
        units = units[:, row, column]
    (slope,) = torch.autograd.grad(units[0], image)
    support: np.ndarray = slope[0].sum(dim=0).numpy() > 0
    return support


def _linear(layer: Layer) -> Layer:
    match layer:
        case Conv2d() | Dense():
            return layer.model_copy(update={"activation": "none"})
        case MaxPool2d():
            return AvgPool2d(name=layer.name, kernel=layer.kernel, stride=layer.stride, padding=layer.padding)
        case GlobalMaxPool2d():
            return GlobalAvgPool2d(name=layer.name)
    return layer
