"""Check that an ONNX file holds exactly the graph that Muslin writes for its own design, before ONNX Runtime loads it.

An ONNX graph is a program: it can loop, allocate memory without limit, or name other files to load. ONNX's own checker
accepts the first two, which are valid ONNX. This module therefore compares a file with the graph of the design in its
metadata: the same nodes with the same attributes, weights of the design's shapes, and nothing else.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped, unused-ignore]
from onnx import AttributeProto, TensorProto

from muslin.design import Shape
from muslin.errors import RunError
from muslin.exports._card import INPUT, LOGITS, PROBABILITIES, Card, output_name
from muslin.exports._graph import BATCH, OPSET, Attribute, Graph, Node
from muslin.exports._weights import expected_shapes

if TYPE_CHECKING:
    from google.protobuf.message import Message

_SCALAR_BYTES = 4
_ATTRIBUTE_FIELDS = {AttributeProto.FLOAT: "f", AttributeProto.INT: "i", AttributeProto.INTS: "ints"}


class _ForeignError(Exception):
    """The file is not what Muslin writes; the message names the difference."""


def check_onnx(content: bytes, origin: str) -> tuple[Card, bytes]:
    """Check an ONNX file against the design in its metadata.

    Args:
        content: content of the file.
        origin: name of the file in messages.

    Returns:
        The file's card, and the file as it was understood here: fields that this version of the `onnx` package does not
        know, but ONNX Runtime might, are removed.

    Raises:
        RunError: the file is damaged or holds anything but its design's graph.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
        model.DiscardUnknownFields()  # type: ignore[no-untyped-call, unused-ignore]
        card = _check_model(model, origin)
        return card, model.SerializeToString()
    except (_ForeignError, DecodeError) as error:
        raise RunError(
            f"{origin} is not an ONNX file that Muslin wrote, or it is damaged: {error}. "
            "Export it again with `muslin export RUN --to onnx`."
        ) from error


def _check_model(model: onnx.ModelProto, origin: str) -> Card:
    _require_only(
        model,
        ("ir_version", "model_version", "producer_name", "producer_version", "domain", "doc_string"),
        ("graph", "opset_import", "metadata_props"),
    )
    for part in (*model.opset_import, *model.metadata_props):
        _require_only(part, ("domain", "version", "key", "value"))
    if [(opset.domain, opset.version) for opset in model.opset_import] != [("", OPSET)]:
        raise _ForeignError(f"it needs other operators than opset {OPSET}")
    card = Card.from_metadata({entry.key: entry.value for entry in model.metadata_props}, origin)
    _check_graph(model.graph, card)
    return card


def _check_graph(graph: onnx.GraphProto, card: Card) -> None:
    _require_only(graph, ("name", "doc_string"), ("node", "initializer", "input", "output", "value_info"))
    expected = Graph.of(card.design)
    for node, wanted in zip(graph.node, expected.nodes, strict=False):
        _expect("nodes", _node(node), wanted)
    if len(graph.node) != len(expected.nodes):
        raise _ForeignError(f"it has {len(graph.node)} nodes, its design {len(expected.nodes)}")
    inner = [output_name(card.design, layer) for layer in card.design.layers[:-1]]
    ends = [(name, (BATCH, *expected.shapes[name])) for name in (LOGITS, PROBABILITIES)]
    layers = [(name, (BATCH, *expected.shapes[name])) for name in inner]
    inputs, outputs, between = (
        [_value(value) for value in part] for part in (graph.input, graph.output, graph.value_info)
    )
    if inputs != [(INPUT, (BATCH, *card.design.input_shape))] or outputs not in (ends, [*ends, *layers]):
        raise _ForeignError("its inputs or outputs are not those of its design")
    if any(value not in layers for value in between):
        raise _ForeignError("its values are not those of its design")
    arrays = [_array(tensor) for tensor in graph.initializer]
    shapes = expected_shapes(card.design) | dict.fromkeys(expected.numbers, (1,))
    if len(arrays) != len(shapes):
        raise _ForeignError(f"it has {len(arrays)} arrays, its design {len(shapes)}")
    _expect("arrays", dict(arrays), shapes)


def _expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise _ForeignError(f"its {what} are not those of its design: {found!s:.120}")


def _require_only(message: Message, *allowed: tuple[str, ...]) -> None:
    """Refuse fields beyond the allowed ones, such as a subgraph or a reference to another file, and damaged text.

    Text that is not UTF-8 reads as bytes: ONNX files follow version 2 of the protocol.
    """
    names = {name for group in allowed for name in group}
    for field, value in message.ListFields():
        if field.name not in names:
            raise _ForeignError(f"it holds the field {field.name} ({message.DESCRIPTOR.name})")
        if field.type == field.TYPE_STRING and bytes in map(type, [value] if isinstance(value, bytes | str) else value):
            raise _ForeignError(f"its {field.name} is not UTF-8 text ({message.DESCRIPTOR.name})")


def _node(node: onnx.NodeProto) -> Node:
    _require_only(node, ("input", "output", "name", "op_type", "attribute"))
    if len(node.output) != 1:
        raise _ForeignError(f"a node has {len(node.output)} outputs")
    attributes = dict(_attribute(attribute) for attribute in node.attribute)
    return Node(node.op_type, tuple(node.input), node.output[0], node.name, attributes)


def _attribute(attribute: onnx.AttributeProto) -> tuple[str, Attribute]:
    field = _ATTRIBUTE_FIELDS.get(attribute.type)
    if field is None:
        raise _ForeignError(f"a node has an attribute of type {attribute.type}")
    _require_only(attribute, ("name", "type", field))
    value: Any = getattr(attribute, field)
    return attribute.name, tuple(value) if field == "ints" else value


def _value(value: onnx.ValueInfoProto) -> tuple[str, tuple[str | int, ...]]:
    """Name and shape of a float32 value."""
    _require_only(value, ("name", "type"))
    _require_only(value.type, ("tensor_type",))
    tensor = value.type.tensor_type
    _require_only(tensor, ("elem_type", "shape"))
    if tensor.elem_type != TensorProto.FLOAT:
        raise _ForeignError("a value is not float32")
    sizes: list[str | int] = []
    for size in tensor.shape.dim:
        _require_only(size, ("dim_value", "dim_param"))
        sizes.append(size.dim_param or size.dim_value)
    return value.name, tuple(sizes)


def _array(tensor: onnx.TensorProto) -> tuple[str, Shape]:
    _require_only(tensor, ("dims", "data_type", "name", "raw_data"))
    shape = tuple(tensor.dims)
    if tensor.data_type != TensorProto.FLOAT or len(tensor.raw_data) != _SCALAR_BYTES * math.prod(shape):
        raise _ForeignError(f"the array '{tensor.name:.80}' does not hold what its shape {shape} says")
    return tensor.name, shape
