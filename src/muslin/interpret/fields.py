"""Receptive fields measured on the network itself, to hold the arithmetic against."""

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
    """The input pixels that can change one unit of a layer: the support of its gradient.

    Measured on a linear twin of the design: the same windows, strides, dilation and padding, but weights all
    positive, no activation functions and means in place of maxima, so that no path can be switched off or cancelled
    (the question is what a unit *can* see; what a trained one makes use of is less, see Luo et al., "Understanding
    the Effective Receptive Field in Deep Convolutional Neural Networks", NeurIPS 2016).

    Args:
        design: the network's design; weights don't matter.
        layer: any layer.
        position: row and column of the unit, for a spatial layer; by default its middle.

    Raises:
        KeyError: the design has no such layer.
    """
    design.layer(layer)
    layers = tuple(_linear(part) for part in design.layers)
    twin = Network(Design(name=design.name, input_shape=design.input_shape, layers=layers)).double().eval()
    for parameter in twin.parameters():
        # One over the inputs of a unit: the values stay near one, however deep the network.
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
