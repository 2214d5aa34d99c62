"""ONNX files, built node by node from the design.

torch.onnx would trace the module and choose its own names; it also needs torch and onnxscript. A design has only eight
kinds of layer, so the graph is built directly: nodes and outputs have the layers' names, and only a weights file and
the `onnx` package are needed.

The input ``image`` is float32, (batch, height, width, channel), in 0–1, as in the Keras exports; the first node moves
the channels to the front. The outputs are ``logits`` and ``probabilities``, (batch, class). Inside, spatial values are
(batch, channel, height, width).
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

LARGEST_FILE = 2**31 - 1  # bytes: the limit of a protocol buffer


def write_onnx(card: Card, weights: Weights, path: Path, *, layers: bool = False) -> None:
    """Write the ONNX file, after checking it with `onnx.checker` and shape inference.

    Args:
        card: design and class names.
        weights: weights that fit the design.
        path: path of the file.
        layers: whether the output of every layer is also an output of the graph (default False).

    Raises:
        ExportError: the file would exceed the format's limit.
        OSError: the file cannot be written.
    """
    path.write_bytes(onnx_bytes(card, weights, layers=layers))


def onnx_bytes(card: Card, weights: Weights, *, layers: bool = False) -> bytes:
    """Return the content of the file that `write_onnx` writes.

    Raises:
        ExportError: the file would exceed the format's limit.
    """
    size = sum(values.nbytes for values in weights.values())
    if size > LARGEST_FILE:
        raise ExportError(
            f"weights of '{card.design.name}' take {size:,} bytes, but an ONNX file has at most {LARGEST_FILE:,}. "
            "Export safetensors instead, or make the design smaller."
        )
    model = build_onnx(card, weights, layers=layers)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def build_onnx(card: Card, weights: Weights, *, layers: bool = False) -> onnx.ModelProto:
    """Return the ONNX model; see `write_onnx`."""
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
