"""Networks: a design as a torch module with one submodule per layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from muslin._display import line, quoted
from muslin._words import count
from muslin.design import (
    Activation,
    AvgPool2d,
    Conv2d,
    Dense,
    Design,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    Layer,
    MaxPool2d,
    Shape,
    Window,
    describe_shape,
)
from muslin.design.layers import NORMALIZATION_EPSILON
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "none": lambda values: values,
    "softmax": lambda values: values,  # output layer only: it returns logits; the loss and `predict` apply the softmax
    "relu": functional.relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "silu": functional.silu,
}
PIXEL_MAXIMUM = 255
NORMALIZATION_MOMENTUM = 0.1  # weight of the newest batch in the running statistics


class Network(nn.Module):
    """A design with weights.

    The input is a batch of images of shape (batch, channel, height, width) on the 0–1 scale. The output is logits of
    shape (batch, class); the loss and `predict` apply the softmax of the output layer. Weights are named
    ``<layer>.weight`` (output axis first, as in PyTorch) and ``<layer>.bias``. A dense layer after flatten takes its
    features in the order height, width, channel.

    Args:
        design: design to build.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        for layer, entering, _ in design.placed:
            # add_module would reject layer names that are attributes of a module, such as "forward" or "training".
            self._modules[layer.name] = _module(layer, entering)

    def __repr__(self) -> str:
        parameters = count(sum(array.numel() for array in self.parameters()), "parameter")
        return line("Network", quoted(self.design.name), parameters, str(next(self.parameters()).device))

    def train(self, mode: bool = True) -> Network:
        """Switch between training (dropout on) and evaluation mode, as `torch.nn.Module.train` does.

        Args:
            mode: True for training, False for evaluation (default True).

        Returns:
            The network itself.
        """
        # Module.__setattr__ would assign to a layer if one is named "training".
        self.__dict__["training"] = mode
        for layer in self.children():
            layer.train(mode)
        return self

    def forward(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch classes"]:
        """Compute the logits for a batch of images on the 0–1 scale."""
        values = images
        for layer in self.children():
            values = layer(values)
        return values

    def layer(self, name: str) -> nn.Module:
        """Return the module of the layer named `name`."""
        module = self._modules[name]
        assert module is not None  # noqa: S101  (narrows the type: every layer has a module)
        return module

    def array(self, name: str) -> Tensor:
        """Return the weight array named `name`, for example "conv1.weight".

        Unlike `get_parameter`, this works for layers named like a method, such as "forward" or "eval".
        """
        layer, _, part = name.rpartition(".")
        array: Tensor = getattr(self.layer(layer), part)
        return array

    def activations(self, images: Float[Tensor, "batch channel height width"]) -> dict[str, Tensor]:
        """Compute the output of every layer.

        Returns:
            Outputs by layer name, in layer order; shape (batch, channel, height, width) for spatial layers and
            (batch, feature) for the others.
        """
        values, outputs = images, {}
        for name, layer in self.named_children():
            values = layer(values)
            outputs[name] = values
        return outputs


def prepare(images: UInt8[np.ndarray, "image height width channel"]) -> Float[Tensor, "image channel height width"]:
    """Convert bytes to network input: values from 0 to 1, channels first in shape, channels last in memory."""
    # Copies read-only arrays (such as memory-mapped ones), because torch warns about them.
    images = np.require(images, requirements=["C_CONTIGUOUS", "WRITEABLE"])
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(PIXEL_MAXIMUM)


@torch.no_grad()
def predict(
    network: Network,
    images: UInt8[np.ndarray, "image height width channel"],
    *,
    batch_size: int = 500,
    compute: Callable[[Tensor], Tensor] | None = None,
) -> Float[np.ndarray, "image classes"]:
    """Compute class probabilities in float32, with dropout off.

    Args:
        network: network on any device; its training mode is restored afterwards.
        images: images as bytes, 0–255.
        batch_size: number of images per forward pass, which bounds the memory (default 500).
        compute: function that computes the logits (default: the network itself).

    Returns:
        Probabilities as float32; each row sums to 1.

    Raises:
        DataError: if the images have the wrong shape or type.
    """
    if images.dtype != np.uint8 or images.shape[1:] != network.design.input_shape:
        raise DataError(
            f"images of type {images.dtype} and shape {describe_shape(images.shape)} do not fit the design "
            f"'{network.design.name}', which takes uint8 of shape images × "
            f"{describe_shape(network.design.input_shape)}. For a single image, pass a batch of one: images[:1]."
        )
    compute = compute or network
    device = next(network.parameters()).device
    training = network.training
    network.eval()
    # One preallocated array: small arrays kept between freed large ones would fragment the heap.
    probabilities = np.empty((len(images), network.design.classes), np.float32)
    try:
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            logits = compute(prepare(images[part]).to(device))
            probabilities[part] = torch.softmax(logits, dim=1).cpu().numpy()
    finally:
        network.train(training)
    return probabilities


def _module(layer: Layer, entering: Shape) -> nn.Module:  # noqa: PLR0911  (one line per kind reads best)
    match layer:
        case Conv2d():
            return _Conv2d(layer, entering)
        case MaxPool2d() | AvgPool2d():
            return _Pool2d(layer, entering)
        case GlobalAvgPool2d():
            return _Reduce(lambda values: values.mean((2, 3)))
        case GlobalMaxPool2d():
            return _Reduce(lambda values: values.amax((2, 3)))
        case Flatten():
            return _Reduce(lambda values: values.permute(0, 2, 3, 1).flatten(1))
        case Dropout():
            return nn.Dropout(layer.rate)
        case Dense():
            return _Dense(layer, entering[0])


class _Conv2d(nn.Conv2d):
    mean: Tensor
    variance: Tensor

    def __init__(self, layer: Conv2d, entering: Shape) -> None:
        super().__init__(
            entering[2], layer.filters, layer.kernel, stride=layer.stride, dilation=layer.dilation, dtype=torch.float32
        )
        self.activation = ACTIVATIONS[layer.activation]
        self.padding, self.uneven = _split_padding(layer.window(entering))
        height, width, _ = layer.output_shape(entering)
        self.narrow = entering[2] == 1 and 1 in (height, width)
        self.normalized = layer.normalization == "batch"
        if self.normalized:
            self.scale = nn.Parameter(torch.ones(layer.filters))
            self.register_buffer("mean", torch.zeros(layer.filters))
            self.register_buffer("variance", torch.ones(layer.filters))

    def forward(self, values: Tensor) -> Tensor:
        if any(self.uneven):
            values = functional.pad(values, self.uneven)
        if self.narrow:
            # With a single channel, the memory strides may be those of the channels-last format. If the convolution
            # then has an output of one row or column, torch 2.13 reads and writes out of bounds. Contiguous strides
            # avoid that.
            values = values.squeeze(1).unsqueeze(1)
        if not self.normalized:
            return self.activation(super().forward(values))
        values = self._conv_forward(values, self.weight, None)
        values = functional.batch_norm(
            values,
            self.mean,
            self.variance,
            self.scale,
            self.bias,
            self.training,
            NORMALIZATION_MOMENTUM,
            NORMALIZATION_EPSILON,
        )
        return self.activation(values)


class _Pool2d(nn.Module):
    def __init__(self, layer: MaxPool2d | AvgPool2d, entering: Shape) -> None:
        super().__init__()
        self.window = layer.window(entering)
        self.edges = _edges(self.window)
        self.maximum = isinstance(layer, MaxPool2d)

    def forward(self, values: Tensor) -> Tensor:
        kernel, stride = self.window.kernel, self.window.stride
        if self.maximum:
            if any(self.edges):
                values = functional.pad(values, self.edges, value=float("-inf"))
            return functional.max_pool2d(values, kernel, stride)
        if not any(self.edges):
            return functional.avg_pool2d(values, kernel, stride)
        # Padding does not count: divide by the number of image cells in each window.
        sums = functional.avg_pool2d(functional.pad(values, self.edges), kernel, stride)
        counts = functional.avg_pool2d(functional.pad(torch.ones_like(values[:1, :1]), self.edges), kernel, stride)
        return sums / counts


class _Reduce(nn.Module):
    def __init__(self, reduction: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, values: Tensor) -> Tensor:
        return self.reduction(values)


class _Dense(nn.Linear):
    def __init__(self, layer: Dense, features: int) -> None:
        super().__init__(features, layer.units)
        self.activation = ACTIVATIONS[layer.activation]

    def forward(self, values: Tensor) -> Tensor:
        return self.activation(super().forward(values))


def _edges(window: Window) -> tuple[int, int, int, int]:
    """Return the padding in the order of `torch.nn.functional.pad`: left, right, top, bottom."""
    return (window.before[1], window.after[1], window.before[0], window.after[0])


def _split_padding(window: Window) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    """Split padding into the symmetric part, which the convolution adds itself, and the rest."""
    both = window.before
    return both, (0, window.after[1] - both[1], 0, window.after[0] - both[0])
