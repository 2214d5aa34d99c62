"""Describe layers in words."""

from __future__ import annotations

import re

from muslin._words import count
from muslin.design import Conv2d, Dense, Dropout, Layer, describe_shape
from muslin.design.layers import AvgPool2d, MaxPool2d
from muslin.design.template import is_open

_KINDS = {
    "conv2d": "Convolution",
    "max_pool2d": "Max pooling",
    "avg_pool2d": "Average pooling",
    "global_avg_pool2d": "Global average pooling",
    "global_max_pool2d": "Global max pooling",
    "flatten": "Flatten",
    "dropout": "Dropout",
    "dense": "Dense",
}
_SHORT = 80  # characters after which a reason in a table ends with the sentence
_ACTIVATIONS = {"relu": "ReLU", "elu": "ELU", "gelu": "GELU", "silu": "SiLU"}


def kind(layer: Layer) -> str:
    """Return the layer's kind in words."""
    return _KINDS[layer.kind]


def choice(layer: Layer) -> str:
    """Return the layer's settings in one line, or an empty text if it has none.

    >>> from muslin.design import load_design
    >>> choice(load_design("custom_cnn").layer("conv1"))
    '32 filters, 3×3, stride 1, same padding, ReLU'
    """
    match layer:
        case Conv2d():
            dilated = [f"dilation {_sides(layer.dilation)}"] if layer.dilation != (1, 1) else []
            window = [describe_shape(layer.kernel), f"stride {_sides(layer.stride)}", *dilated]
            normalized = ["batch normalization"] if layer.normalization == "batch" else []
            more = [f"{layer.padding} padding", *normalized, *_activation(layer.activation)]
            return ", ".join([count(layer.filters, "filter"), *window, *more])
        case MaxPool2d() | AvgPool2d():
            padded = ", same padding" if layer.padding == "same" else ""
            return f"{describe_shape(layer.kernel)}, stride {_sides(layer.stride or layer.kernel)}{padded}"
        case Dropout():
            return f"rate {layer.rate:g}"
        case Dense():
            return ", ".join([count(layer.units, "unit"), *_activation(layer.activation)])
        case _:
            return ""


def in_short(because: str) -> str:
    """Return the first sentences of a reason, enough for 80 characters, or an empty text if no reason is given.

    >>> in_short("Edges. Then outlines, which are what is left of edges once they have been put together. Then parts.")
    'Edges. Then outlines, which are what is left of edges once they have been put together.'
    """
    if is_open(because):
        return ""
    start = ""
    for sentence in re.split(r"(?<=[.!?…])\s+(?=[^a-z])", because.strip()):
        start = f"{start} {sentence}".strip()
        if len(start) >= _SHORT:
            break
    return start


def _sides(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else describe_shape(pair)


def _activation(name: str) -> list[str]:
    return [] if name == "none" else [_ACTIVATIONS.get(name, name)]
