"""Looking an ONNX file over before ONNX Runtime gets it: it must be the graph that Muslin writes for its own design.

An ONNX graph is a program: it may loop, fill memory with one operator, or name other files to load. So the file is
taken apart here, by the rules of its wire format (https://protobuf.dev/programming-guides/encoding/, field numbers from
onnx.proto), and held against the graph of the design in its metadata: the same nodes with the same attributes, weights
of the design's shapes, and nothing else. Numbers are not decoded, and nothing is allocated beyond the file itself.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import TypeAlias

from muslin.design import Shape
from muslin.errors import RunError
from muslin.exports._card import INPUT, LOGITS, PROBABILITIES, Card, output_name
from muslin.exports._graph import BATCH, OPSET, Attribute, Graph, Node
from muslin.exports._weights import expected_shapes

MOST_BYTES = 2**31 - 1  # what a protocol buffer can hold
_FLOAT = 1  # onnx.proto: TensorProto.FLOAT
_SCALAR_BYTES = 4
_LONGEST_VARINT = 10

Field: TypeAlias = "tuple[int, int | memoryview]"


class _Foreign(Exception):  # noqa: N818  (it becomes a RunError that names the file)
    """The file is not what Muslin writes; the message says in what."""


def check_onnx(content: bytes, origin: str) -> Card:
    """The card of an ONNX file, once the file is known to hold that design's graph and nothing else.

    Raises:
        RunError: it is damaged, or something else.
    """
    try:
        return _check(memoryview(content), origin)
    except (_Foreign, UnicodeDecodeError, struct.error) as error:
        raise RunError(
            f"{origin} is no ONNX file as Muslin writes it, or it is damaged: {error}. "
            "Write it again with `muslin export RUN --to onnx`."
        ) from error


def _check(content: memoryview, origin: str) -> Card:
    metadata: dict[str, str] = {}
    graphs: list[memoryview] = []
    for number, value in _fields(content):
        match number, value:
            case 1 | 5, int():  # ir_version, model_version
                pass
            case 2 | 3 | 4 | 6, memoryview():  # producer, its version, domain, doc_string
                pass
            case 7, memoryview():
                graphs.append(value)
            case 8, memoryview():
                domain_and_version = dict(_fields(value))
                if domain_and_version.get(1) or domain_and_version.get(2) != OPSET:
                    raise _Foreign(f"it needs other operators than opset {OPSET}")
            case 14, memoryview():
                entry = dict(_fields(value))
                metadata[_text(entry.get(1, b""))] = _text(entry.get(2, b""))
            case _:
                raise _Foreign(f"its model has the field {number}")
    if len(graphs) != 1:
        raise _Foreign(f"it holds {len(graphs)} graphs")
    card = Card.from_metadata(metadata, origin)
    _check_graph(graphs[0], card)
    return card


def _check_graph(graph: memoryview, card: Card) -> None:
    nodes: list[Node] = []
    arrays: dict[str, Shape] = {}
    wanted = Graph.of(card.design)
    inputs: list[tuple[str, tuple[str | int, ...]]] = []
    outputs: list[tuple[str, tuple[str | int, ...]]] = []
    for number, value in _fields(graph):
        match number, value:
            case 1, memoryview():
                if len(nodes) == len(wanted.nodes):
                    raise _Foreign("it has more nodes than its design")
                nodes.append(_node(value))
                _expect("nodes", nodes[-1], wanted.nodes[len(nodes) - 1])
            case 5, memoryview():
                name, shape = _array(value)
                if name in arrays:
                    raise _Foreign(f"it holds the array '{name:.80}' twice")
                arrays[name] = shape
            case 11, memoryview():
                inputs.append(_value(value))
            case 12, memoryview():
                outputs.append(_value(value))
            case 13, memoryview():  # shapes of the values between
                _value(value)
            case 2 | 10, memoryview():  # name, doc_string
                _text(value)
            case _:
                raise _Foreign(f"its graph has the field {number}")
    if len(nodes) < len(wanted.nodes):
        raise _Foreign(f"it has {len(nodes)} nodes, its design {len(wanted.nodes)}")
    inner = [output_name(card.design, layer) for layer in card.design.layers[:-1]]
    shapes = wanted.shapes | {INPUT: card.design.input_shape}
    ends = [(name, (BATCH, *shapes[name])) for name in (LOGITS, PROBABILITIES)]
    layers = [(name, (BATCH, *shapes[name])) for name in inner]
    if inputs != [(INPUT, (BATCH, *shapes[INPUT]))] or outputs not in (ends, [*ends, *layers]):
        raise _Foreign("its inputs or outputs are others than its design's")
    _expect("arrays", arrays, expected_shapes(card.design) | dict.fromkeys(wanted.numbers, (1,)))


def _expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise _Foreign(f"its {what} are not those of its design: {found!s:.120}")


def _node(content: memoryview) -> Node:
    inputs, outputs, name, operator = [], [], "", ""
    attributes: dict[str, Attribute] = {}
    for number, value in _fields(content):
        match number:
            case 1:
                inputs.append(_text(value))
            case 2:
                outputs.append(_text(value))
            case 3:
                name = _text(value)
            case 4:
                operator = _text(value)
            case 5:
                key, attribute = _attribute(value)
                attributes[key] = attribute
            case _:  # another domain, among others
                raise _Foreign(f"a node has the field {number}")
    if len(outputs) != 1:
        raise _Foreign(f"a node has {len(outputs)} outputs")
    return Node(operator, tuple(inputs), outputs[0], name, attributes)


def _attribute(content: int | memoryview) -> tuple[str, Attribute]:
    name, several, single = "", [], None
    for number, value in _fields(content):
        match number, value:
            case 1, memoryview():
                name = _text(value)
            case 2, memoryview():
                (single,) = struct.unpack("<f", value)
            case 3, int():
                single = value
            case 8, int():
                several.append(value)
            case 20, int():  # the type, which the other fields tell as well
                pass
            case _:  # a graph, a tensor, a text
                raise _Foreign(f"an attribute has the field {number}")
    return name, tuple(several) if single is None else single


def _value(content: memoryview) -> tuple[str, tuple[str | int, ...]]:
    """The name and shape of a value of float32 numbers."""
    fields = dict(_fields(content))
    if fields.keys() != {1, 2}:
        raise _Foreign("a value has more than a name and a type")
    kind = dict(_fields(fields[2]))
    tensor = dict(_fields(kind.get(1, b"")))
    if kind.keys() != {1} or tensor.keys() != {1, 2} or tensor[1] != _FLOAT:
        raise _Foreign("a value is of another type")
    sizes: list[str | int] = []
    for _, size in _fields(tensor[2]):
        parts = [*_fields(size)]
        if len(parts) != 1:
            raise _Foreign("a value has a size that is not one number or name")
        number, value = parts[0]
        sizes.append(value if number == 1 and isinstance(value, int) else _text(value))
    return _text(fields[1]), tuple(sizes)


def _array(content: memoryview) -> tuple[str, Shape]:
    name, shape, size, kind = "", [], -1, 0
    for number, value in _fields(content):
        match number, value:
            case 1, int():
                shape.append(value)
            case 2, int():
                kind = value
            case 8, memoryview():
                name = _text(value)
            case 9, memoryview():
                size = len(value)
            case _:  # numbers in another place, such as another file
                raise _Foreign(f"an array has the field {number}")
    if kind != _FLOAT or size != _SCALAR_BYTES * math.prod(shape):
        raise _Foreign(f"the array '{name:.80}' does not hold what its shape {tuple(shape)} says")
    return name, tuple(shape)


def _fields(content: int | memoryview | bytes) -> Iterator[Field]:
    """The fields of a message: their numbers, and a number or a stretch of bytes for each.

    Raises:
        _Foreign: the message is cut off or has a kind of field that the format does not have.
    """
    if isinstance(content, int):
        raise _Foreign("a number stands where a message must")
    content = memoryview(content)
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        match key & 7:
            case 0:
                value, at = _varint(content, at)
                yield key >> 3, value
                continue
            case 1:
                length = 8
            case 2:
                length, at = _varint(content, at)
            case 5:
                length = 4
            case other:
                raise _Foreign(f"a field of kind {other}")
        if length > len(content) - at:
            raise _Foreign("it is cut off")
        yield key >> 3, content[at : at + length]
        at += length


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for position in range(_LONGEST_VARINT):
        if at + position == len(content):
            raise _Foreign("it is cut off")
        byte = content[at + position]
        value |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            return value, at + position + 1
    raise _Foreign("a number without an end")


def _text(value: int | memoryview | bytes) -> str:
    if isinstance(value, int):
        raise _Foreign("a number stands where a text must")
    return bytes(value).decode()
