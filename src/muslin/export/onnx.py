"""A network as an ONNX graph, written node by node from the design.

torch.onnx would trace the module and give its own names to what it finds; it also needs torch and, today, onnxscript.
A design has eight kinds of layer, so the graph is written directly instead: nodes and outputs carry the layers' names,
and a weights file and the `onnx` package are enough.

The graph takes ``image``: float32, (batch, height, width, channel), 0–1, as the Keras exports do; its first node brings
the channels forward. It gives ``logits`` and ``probabilities`` (batch, class). Between them, spatial values are (batch,
channel, height, width).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from muslin._files import write_bytes
from muslin.design import (
    Activation,
    AvgPool2d,
    Conv2d,
    Dense,
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
from muslin.errors import ExportError
from muslin.export._card import INPUT, LOGITS, PROBABILITIES, Card, describe_input, output_name
from muslin.export._weights import Weights

# The oldest pair that has every operator used here in its present form: read by ONNX Runtime since 1.6 (2020), and by
# the converters for phones and browsers. GELU as one operator would need opset 20; it is written out instead.
OPSET = 13
IR_VERSION = 7
LARGEST_FILE = 2**31 - 1  # bytes: what a protocol buffer can hold
_BATCH = "batch"


def write_onnx(card: Card, weights: Weights, path: Path, *, layers: bool = False) -> None:
    """Write the graph, checked by `onnx.checker` with shape inference.

    Args:
        card: the design, and names for its classes.
        weights: that fit the design.
        path: where to.
        layers: make every layer's output an output of the graph.

    Raises:
        ExportError: the graph would be larger than the format allows.
        MuslinError: the file can't be written.
    """
    write_bytes(path, onnx_bytes(card, weights, layers=layers))


def onnx_bytes(card: Card, weights: Weights, *, layers: bool = False) -> bytes:
    """The file that `write_onnx` writes.

    Raises:
        ExportError: the graph would be larger than the format allows.
    """
    size = sum(values.nbytes for values in weights.values())
    if size > LARGEST_FILE:
        raise ExportError(
            f"the weights of '{card.design.name}' take {size:,} bytes; an ONNX file holds at most {LARGEST_FILE:,}. "
            "Export safetensors instead, or make the design smaller."
        )
    model = build_onnx(card, weights, layers=layers)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def build_onnx(card: Card, weights: Weights, *, layers: bool = False) -> onnx.ModelProto:
    """The graph as an onnx model; see `write_onnx`."""
    design, graph = card.design, _Graph()
    height, width, channels = design.input_shape
    for name, values in weights.items():
        graph.constant(name, values)
    value = graph.add("Transpose", [INPUT], f"{INPUT}/channels_first", perm=[0, 3, 1, 2])
    for placed in design.placed:
        value = _add_layer(graph, placed, value, output_name(design, placed.layer))
        graph.shapes[value] = _inside(placed.output_shape)
    graph.add("Softmax", [LOGITS], PROBABILITIES, f"{PROBABILITIES}/softmax", axis=1)
    graph.shapes[PROBABILITIES] = (design.classes,)

    outputs = [LOGITS, PROBABILITIES]
    inner = [output_name(design, layer) for layer in design.layers[:-1]]
    proto = helper.make_graph(
        graph.nodes,
        design.name,
        [_value(INPUT, (height, width, channels))],
        [_value(name, graph.shapes[name]) for name in (outputs + inner if layers else outputs)],
        initializer=list(graph.constants.values()),
        doc_string=design.title,
        value_info=[] if layers else [_value(name, graph.shapes[name]) for name in inner],
    )
    model = helper.make_model(
        proto,
        producer_name="muslin",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        doc_string=describe_input(design),
    )
    helper.set_model_props(model, card.to_metadata())
    return model


@dataclass
class _Graph:
    """A graph in the making; each `add` returns the name of the value that the node puts out."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def add(self, operator: str, inputs: Sequence[str], output: str, name: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=name or output, **attributes))
        return output

    def constant(self, name: str, values: np.ndarray) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)
        return name

    def number(self, value: float) -> str:
        return self.constant(f"constant/{value:.6g}", np.array(value))


def _add_layer(graph: _Graph, placed: Placed, source: str, target: str) -> str:
    """Add the nodes of one layer. The one that does the layer's work has its name; helpers have names with a slash."""
    layer, entering, _ = placed
    name = layer.name
    match layer:
        case Conv2d():
            inputs, window = _with_weights(source, name), layer.window(entering)
            between = f"{name}/linear" if layer.activation != "none" else target
            attributes: dict[str, Any] = {
                "kernel_shape": window.kernel,
                "strides": window.stride,
                "dilations": window.dilation,
            }
            if layer.normalization == "batch":  # takes the bias over
                convolved = graph.add("Conv", inputs[:2], f"{name}/convolved", name, **attributes, pads=_pads(window))
                arrays = [f"{name}.{array}" for array in ("scale", "bias", "mean", "variance")]
                at = f"{name}/normalized"
                graph.add("BatchNormalization", [convolved, *arrays], between, at, epsilon=NORMALIZATION_EPSILON)
            else:
                graph.add("Conv", inputs, between, name, **attributes, pads=_pads(window))
            return _add_activation(graph, name, layer.activation, between, target)
        case MaxPool2d() | AvgPool2d():
            operator, window = "MaxPool" if isinstance(layer, MaxPool2d) else "AveragePool", layer.window(entering)
            # AveragePool leaves padding out of its mean unless count_include_pad is set.
            return graph.add(
                operator, [source], target, name, kernel_shape=window.kernel, strides=window.stride, pads=_pads(window)
            )
        case GlobalAvgPool2d() | GlobalMaxPool2d():
            operator = "GlobalAveragePool" if isinstance(layer, GlobalAvgPool2d) else "GlobalMaxPool"
            pooled = graph.add(operator, [source], f"{name}/pooled", name)
            return graph.add("Flatten", [pooled], target, f"{name}/flatten", axis=1)
        case Flatten():
            turned = graph.add("Transpose", [source], f"{name}/channels_last", perm=[0, 2, 3, 1])
            return graph.add("Flatten", [turned], target, name, axis=1)
        case Dropout():
            return graph.add("Identity", [source], target, name)
        case Dense():
            # Softmax stands on the output layer only, and there it comes after the logits.
            activation: Activation = "none" if layer.activation == "softmax" else layer.activation
            between = f"{name}/linear" if activation != "none" else target
            graph.add("Gemm", _with_weights(source, name), between, name, transB=1)
            return _add_activation(graph, name, activation, between, target)


def _add_activation(graph: _Graph, layer: str, activation: Activation, source: str, target: str) -> str:
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


def _pads(window: Window) -> Iterable[int]:
    return (*window.before, *window.after)


def _inside(shape: Shape) -> Shape:
    """A shape as it stands inside the graph: channels first."""
    return (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape


def _value(name: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [_BATCH, *shape])
