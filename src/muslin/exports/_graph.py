"""The ONNX graph of a design: its nodes in order, as plain values, without the `onnx` package.

`muslin.exports.onnx` writes these nodes; the reader of ONNX files checks that a file contains exactly them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import TypeAlias

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
    MaxPool2d,
    Placed,
    Shape,
    Window,
)
from muslin.design.layers import NORMALIZATION_EPSILON
from muslin.exports._card import INPUT, LOGITS, PROBABILITIES, output_name

# The oldest versions in which every operator used here has its current form. ONNX Runtime reads them since 1.6 (2020),
# as do converters for phones and browsers. GELU as a single operator would need opset 20, so it is built from others.
OPSET = 13
IR_VERSION = 7
BATCH = "batch"

Attribute: TypeAlias = int | float | tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """An operator with its inputs, output and attributes. All operators used here have one output."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    name: str
    attributes: Mapping[str, Attribute]


@dataclass
class Graph:
    """A graph under construction; `add` returns the name of the new node's output.

    Attributes:
        nodes: nodes in order of computation.
        numbers: constants other than weights, by name.
        shapes: shapes of the layers' outputs, without the batch axis.
    """

    nodes: list[Node] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)

    @classmethod
    def of(cls, design: Design) -> Graph:
        """Return the graph of a design, from ``image`` to ``probabilities``."""
        graph = cls()
        value = graph.add("Transpose", [INPUT], f"{INPUT}/channels_first", perm=(0, 3, 1, 2))
        for placed in design.placed:
            value = _add_layer(graph, placed, value, output_name(design, placed.layer))
            graph.shapes[value] = _inside(placed.output_shape)
        graph.add("Softmax", [LOGITS], PROBABILITIES, f"{PROBABILITIES}/softmax", axis=1)
        graph.shapes[PROBABILITIES] = (design.classes,)
        return graph

    def add(self, operator: str, inputs: Sequence[str], output: str, name: str = "", **attributes: Attribute) -> str:
        """Add a node; its name defaults to the name of its output."""
        self.nodes.append(Node(operator, tuple(inputs), output, name or output, attributes))
        return output

    def number(self, value: float) -> str:
        """Add a constant, named after its value, and return the name."""
        name = f"constant/{value:.6g}"
        self.numbers[name] = value
        return name


def as_float32(value: float) -> float:
    """Round a number to float32, as files store it.

    >>> as_float32(0.5)
    0.5
    """
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded


def _add_layer(graph: Graph, placed: Placed, source: str, target: str) -> str:
    """Add the nodes of one layer. The main node has the layer's name; auxiliary nodes have names with a slash."""
    layer, entering, _ = placed
    name = layer.name
    match layer:
        case Conv2d():
            inputs, window = _with_weights(source, name), layer.window(entering)
            between = f"{name}/linear" if layer.activation != "none" else target
            attributes: dict[str, Attribute] = {
                "kernel_shape": window.kernel,
                "strides": window.stride,
                "dilations": window.dilation,
                "pads": _pads(window),
            }
            if layer.normalization == "batch":  # the normalization includes the bias
                convolved = graph.add("Conv", inputs[:2], f"{name}/convolved", name, **attributes)
                arrays = [f"{name}.{array}" for array in ("scale", "bias", "mean", "variance")]
                at, epsilon = f"{name}/normalized", as_float32(NORMALIZATION_EPSILON)
                graph.add("BatchNormalization", [convolved, *arrays], between, at, epsilon=epsilon)
            else:
                graph.add("Conv", inputs, between, name, **attributes)
            return _add_activation(graph, name, layer.activation, between, target)
        case MaxPool2d() | AvgPool2d():
            operator, window = "MaxPool" if isinstance(layer, MaxPool2d) else "AveragePool", layer.window(entering)
            # AveragePool excludes padding from its mean unless count_include_pad is set.
            return graph.add(
                operator, [source], target, name, kernel_shape=window.kernel, strides=window.stride, pads=_pads(window)
            )
        case GlobalAvgPool2d() | GlobalMaxPool2d():
            operator = "GlobalAveragePool" if isinstance(layer, GlobalAvgPool2d) else "GlobalMaxPool"
            pooled = graph.add(operator, [source], f"{name}/pooled", name)
            return graph.add("Flatten", [pooled], target, f"{name}/flatten", axis=1)
        case Flatten():
            turned = graph.add("Transpose", [source], f"{name}/channels_last", perm=(0, 2, 3, 1))
            return graph.add("Flatten", [turned], target, name, axis=1)
        case Dropout():
            return graph.add("Identity", [source], target, name)
        case Dense():
            # Only the output layer can have softmax, which the graph applies after the logits.
            activation: Activation = "none" if layer.activation == "softmax" else layer.activation
            between = f"{name}/linear" if activation != "none" else target
            graph.add("Gemm", _with_weights(source, name), between, name, transB=1)
            return _add_activation(graph, name, activation, between, target)


def _add_activation(graph: Graph, layer: str, activation: Activation, source: str, target: str) -> str:
    name = f"{layer}/{activation}"
    match activation:
        case "none":
            return source
        case "relu" | "elu" | "tanh" | "sigmoid":
            return graph.add(activation.capitalize(), [source], target, name)
        case "silu":
            gate = graph.add("Sigmoid", [source], f"{name}/gate")
            return graph.add("Mul", [source, gate], target, name)
        case "gelu":
            # The exact form, x·½·(1 + erf(x/√2)): Hendrycks & Gimpel, "Gaussian Error Linear Units", 2016, section 2.
            scaled = graph.add("Div", [source, graph.number(sqrt(2))], f"{name}/scaled")
            erf = graph.add("Erf", [scaled], f"{name}/erf")
            shifted = graph.add("Add", [erf, graph.number(1)], f"{name}/shifted")
            gate = graph.add("Mul", [shifted, graph.number(0.5)], f"{name}/gate")
            return graph.add("Mul", [source, gate], target, name)
        case _:
            raise AssertionError(activation)


def _with_weights(source: str, layer: str) -> list[str]:
    return [source, f"{layer}.weight", f"{layer}.bias"]


def _pads(window: Window) -> tuple[int, ...]:
    return (*window.before, *window.after)


def _inside(shape: Shape) -> Shape:
    """Return the shape inside the graph, with channels first."""
    return (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape
