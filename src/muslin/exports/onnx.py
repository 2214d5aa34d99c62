"""A network as an ONNX graph, written node by node from the design.

torch.onnx would trace the module and give its own names to what it finds; it also needs torch and, today, onnxscript.
A design has eight kinds of layer, so the graph is written directly instead: nodes and outputs carry the layers' names,
and a weights file and the `onnx` package are enough.

The graph takes ``image``: float32, (batch, height, width, channel), 0–1, as the Keras exports do; its first node brings
the channels forward. It gives ``logits`` and ``probabilities`` (batch, class). Between them, spatial values are (batch,
channel, height, width).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from muslin.design import Shape
from muslin.errors import ExportError
from muslin.exports._card import INPUT, LOGITS, PROBABILITIES, Card, describe_input, output_name
from muslin.exports._graph import BATCH, IR_VERSION, OPSET, Graph
from muslin.exports._weights import Weights

LARGEST_FILE = 2**31 - 1  # bytes: what a protocol buffer can hold


def write_onnx(card: Card, weights: Weights, path: Path, *, layers: bool = False) -> None:
    """Write the graph, checked by `onnx.checker` with shape inference.

    Args:
        card: the design, and names for its classes.
        weights: that fit the design.
        path: where to.
        layers: make every layer's output an output of the graph.

    Raises:
        ExportError: the graph would be larger than the format allows.
        OSError: the file can't be written.
    """
    path.write_bytes(onnx_bytes(card, weights, layers=layers))


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
    design = card.design
    graph = Graph.of(design)
    constants = [*weights.items(), *((name, np.array(value)) for name, value in graph.numbers.items())]
    outputs = [LOGITS, PROBABILITIES]
    inner = [output_name(design, layer) for layer in design.layers[:-1]]
    nodes = []
    for node in graph.nodes:
        attributes: dict[str, Any] = dict(node.attributes)
        nodes.append(helper.make_node(node.operator, node.inputs, [node.output], node.name, **attributes))
    proto = helper.make_graph(
        nodes,
        design.name,
        [_value(INPUT, design.input_shape)],
        [_value(name, graph.shapes[name]) for name in (outputs + inner if layers else outputs)],
        initializer=[_constant(name, values) for name, values in constants],
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


def _constant(name: str, values: np.ndarray) -> TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)


def _value(name: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, *shape])
