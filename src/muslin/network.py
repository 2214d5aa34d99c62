"""From a design to a network that computes: a torch module with one submodule per layer."""

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
    "softmax": lambda values: values,  # only on the output, which gives logits; the loss or `predict` turns them around
    "relu": functional.relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "silu": functional.silu,
}
PIXEL_MAXIMUM = 255
NORMALIZATION_MOMENTUM = 0.1  # the newest batch's share in the running statistics


class Network(nn.Module):
    """A design with weights.

    Takes images as (batch, channel, height, width) on the 0–1 scale and gives logits (batch, class): a softmax on the
    output layer is left to the loss and to `predict`. Weights are called ``<layer>.weight`` (output axis first, as in
    PyTorch) and ``<layer>.bias``; a dense layer after flatten takes its features in the order height, width, channel.

    Args:
        design: what to build.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        for layer, entering, _ in design.placed:
            # Not add_module, which refuses names that a module has of its own, such as "forward" or "training".
            self._modules[layer.name] = _module(layer, entering)

    def __repr__(self) -> str:
        parameters = count(sum(array.numel() for array in self.parameters()), "parameter")
        return line("Network", quoted(self.design.name), parameters, str(next(self.parameters()).device))

    def train(self, mode: bool = True) -> Network:
        """Switch training (dropout on) or evaluation, as `torch.nn.Module.train` does."""
        # Written past Module.__setattr__, which takes the name for a layer's where one is called "training".
        self.__dict__["training"] = mode
        for layer in self.children():
            layer.train(mode)
        return self

    def forward(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch classes"]:
        """Logits for a batch of images."""
        values = images
        for layer in self.children():
            values = layer(values)
        return values

    def layer(self, name: str) -> nn.Module:
        """The module of the layer called `name`."""
        module = self._modules[name]
        assert module is not None  # noqa: S101  (narrows the type: every layer has a module)
        return module

    def array(self, name: str) -> Tensor:
        """The weights called `name` ("conv1.weight"), whatever the layer is called.

        `get_parameter` takes a layer called "forward" or "eval" for the method.
        """
        layer, _, part = name.rpartition(".")
        array: Tensor = getattr(self.layer(layer), part)
        return array

    def activations(self, images: Float[Tensor, "batch channel height width"]) -> dict[str, Tensor]:
        """What every layer puts out, by layer name; spatial ones as (batch, channel, height, width)."""
        values, outputs = images, {}
        for name, layer in self.named_children():
            values = layer(values)
            outputs[name] = values
        return outputs


def prepare(images: UInt8[np.ndarray, "image height width channel"]) -> Float[Tensor, "image channel height width"]:
    """Bytes to what a network takes: channels first in shape, channels last in memory, 0–1."""
    # Writable, if only by a copy: torch warns of arrays that it may not write to, such as those mapped from a file.
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
    """Class probabilities as float32, computed in float32 with dropout off.

    Args:
        network: any device; it is left in the mode it was in.
        images: bytes 0–255.
        batch_size: images computed at a time; bounds the memory.
        compute: gives the network's logits another way; the network itself by default.

    Raises:
        DataError: the images are of another shape or type.
    """
    if images.dtype != np.uint8 or images.shape[1:] != network.design.input_shape:
        raise DataError(
            f"the design '{network.design.name}' takes bytes of the shape images × "
            f"{describe_shape(network.design.input_shape)}, not {images.dtype} of {describe_shape(images.shape)}. "
            "A single image has to be one of a row: images[:1]."
        )
    compute = compute or network
    device = next(network.parameters()).device
    training = network.training
    network.eval()
    # Written into one array: small ones, kept between the large ones that are freed, would leave holes in the heap.
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
            # A single channel's strides may be those of channels last. With them, and a stride to an output of one
            # column, torch 2.13 reads and writes past its memory; with those of a plane it doesn't.
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
        # Cells of padding don't count: divide by how many real ones each window holds.
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
    """Padding in the order that `torch.nn.functional.pad` takes: left, right, top, bottom."""
    return (window.before[1], window.after[1], window.before[0], window.after[0])


def _split_padding(window: Window) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    """What a convolution pads by itself on both sides, and what is left to pad before it."""
    both = window.before
    return both, (0, window.after[1] - both[1], 0, window.after[0] - both[0])
