"""What a network must compute, in numpy loops that can be checked by reading them."""

from __future__ import annotations

from math import ceil

import numpy as np
from scipy.special import erf, expit, softmax

from muslin.design import (
    AvgPool2d,
    Conv2d,
    Dense,
    Design,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    MaxPool2d,
)

EPSILON = 1e-5
ACTIVATIONS = {
    "none": lambda x: x,
    "softmax": lambda x: x,  # the network gives logits
    "relu": lambda x: np.where(x > 0, x, 0),
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
    "tanh": np.tanh,
    "sigmoid": expit,
    "silu": lambda x: x * expit(x),
}


def compute(design: Design, weights: dict[str, np.ndarray], image: np.ndarray) -> dict[str, np.ndarray]:
    """Every layer's output for one image (height, width, channel), by layer name."""
    outputs, values = {}, image.astype(np.float64)
    for layer in design.layers:
        match layer:
            case Conv2d():
                values = convolve(layer, values, weights[f"{layer.name}.weight"])
                if layer.normalization == "batch":
                    mean, variance, scale = (weights[f"{layer.name}.{part}"] for part in ("mean", "variance", "scale"))
                    values = (values - mean) / np.sqrt(variance + EPSILON) * scale
                values = ACTIVATIONS[layer.activation](values + weights[f"{layer.name}.bias"])
            case MaxPool2d():
                values = pool(layer, values, np.max)
            case AvgPool2d():
                values = pool(layer, values, np.mean)
            case GlobalAvgPool2d():
                values = values.mean((0, 1))
            case GlobalMaxPool2d():
                values = values.max((0, 1))
            case Flatten():
                values = values.ravel()
            case Dense():
                weighted = weights[f"{layer.name}.weight"] @ values + weights[f"{layer.name}.bias"]
                values = ACTIVATIONS[layer.activation](weighted)
            case Dropout():
                pass
        outputs[layer.name] = values
    return outputs


def probabilities(logits: np.ndarray) -> np.ndarray:
    return softmax(logits, axis=-1)


def positions(size: int, kernel: int, stride: int, dilation: int, padding: str) -> list[list[int]]:
    """For each output position along an axis the input positions under the kernel; some may lie outside."""
    reach = dilation * (kernel - 1) + 1
    if padding == "same":
        count = ceil(size / stride)
        start = -(max((count - 1) * stride + reach - size, 0) // 2)
    else:
        count, start = (size - reach) // stride + 1, 0
    return [[start + step * stride + tap * dilation for tap in range(kernel)] for step in range(count)]


def convolve(layer: Conv2d, image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    height, width, _ = image.shape
    rows = positions(height, layer.kernel[0], layer.stride[0], layer.dilation[0], layer.padding)
    columns = positions(width, layer.kernel[1], layer.stride[1], layer.dilation[1], layer.padding)
    result = np.zeros((len(rows), len(columns), layer.filters))
    for i, taps_down in enumerate(rows):
        for j, taps_across in enumerate(columns):
            for a, y in enumerate(taps_down):
                for b, x in enumerate(taps_across):
                    if 0 <= y < height and 0 <= x < width:
                        result[i, j] += weight[:, :, a, b] @ image[y, x]
    return result


def pool(layer: MaxPool2d | AvgPool2d, image: np.ndarray, summary: np.ufunc) -> np.ndarray:
    height, width, channels = image.shape
    stride = layer.stride or layer.kernel
    rows = positions(height, layer.kernel[0], stride[0], 1, layer.padding)
    columns = positions(width, layer.kernel[1], stride[1], 1, layer.padding)
    result = np.zeros((len(rows), len(columns), channels))
    for i, taps_down in enumerate(rows):
        for j, taps_across in enumerate(columns):
            inside = [image[y, x] for y in taps_down for x in taps_across if 0 <= y < height and 0 <= x < width]
            result[i, j] = summary(np.array(inside), axis=0)  # cells of padding don't count
    return result
