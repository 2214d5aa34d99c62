"""Arrays in MATLAB's MAT-files of level 5, versions 5 to 7, each checked against the bytes that are there.

Format: https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf (a header of 128 bytes, then elements: a type,
a length, and that many bytes). Numbers, text and structs with one element are read; cells, objects and sparse arrays
are passed over. (SciPy's reader crashes on some damaged files.)
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from muslin.data.readers._reading import EXPANSION_FLOOR, MOST_EXPANSION, may_unzip_to
from muslin.errors import DataError

HEADER = 128
_ENDIAN = 126
_MATRIX, _COMPRESSED = 14, 15
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_STRUCT, _CHAR = 2, 4
_NUMBERS = range(6, 16)  # classes of arrays: double, single, integers
_COMPLEX, _LOGICAL = 0x0800, 0x0200
_DEEPEST, _MOST_FIELDS, _MOST_SIDES = 4, 1000, 32
_CHUNK = 2**20

Value: TypeAlias = "np.ndarray[Any, Any] | dict[str, Value] | None"


class NotMat(ValueError):  # noqa: N818  (the reader turns it into a DataError that names the file)
    """The file's elements are invalid."""


def read_values(path: Path) -> dict[str, Value]:
    """Read all variables of a file; None stands for one of a kind that is passed over.

    Raises:
        NotMat: an element is damaged or cut off.
        DataError: the variables would take too much memory.
        OSError: the file cannot be read.
    """
    values: dict[str, Value] = {}
    total = 0
    with path.open("rb") as file:
        order = "<" if file.read(HEADER)[_ENDIAN:] == b"IM" else ">"
        size = path.stat().st_size
        while len(tag := file.read(8)) == 8:
            kind, length = struct.unpack(f"{order}II", tag)
            if length > size - file.tell():
                raise NotMat("an element is cut off")
            content = file.read(length)
            if kind == _COMPRESSED:
                content = _unpacked(path, content, total)
                kind, length = struct.unpack(f"{order}II", content[:8]) if len(content) >= 8 else (0, 0)
                content = content[8 : 8 + length]
            total += len(content)
            may_unzip_to(path, total)
            if kind == _MATRIX:
                name, value = _matrix(memoryview(content), order, 0)
                values[name] = value
    return values


def _unpacked(path: Path, content: bytes, before: int) -> bytes:
    """Unpack an element; one that may be a bomb is measured first, without keeping what comes out."""
    if len(content) * MOST_EXPANSION < EXPANSION_FLOOR:
        for _ in _chunks(path, content, before):
            pass
    return b"".join(_chunks(path, content, before))


def _chunks(path: Path, content: bytes, before: int) -> Iterator[bytes]:
    stream = zlib.decompressobj()
    total = before
    try:
        while content and not stream.eof:
            chunk = stream.decompress(content, _CHUNK)
            content = stream.unconsumed_tail
            total += len(chunk)
            may_unzip_to(path, total)
            yield chunk
    except zlib.error as error:
        raise NotMat(str(error)) from error
    if not stream.eof:
        raise NotMat("a compressed element is cut off")


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yield the type and the bytes of each element; short ones have both in eight bytes."""
    at = 0
    while at + 8 <= len(content):
        kind, length = struct.unpack_from(f"{order}II", content, at)
        if kind >> 16:
            kind, length, start, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
            if length > 4:
                raise NotMat("a short element is too long")
        else:
            start, after = at + 8, at + 8 + (length + 7) // 8 * 8
        if start + length > len(content):
            raise NotMat("an element is longer than the one around it")
        yield kind, content[start : start + length]
        at = after


def _matrix(content: memoryview, order: str, depth: int) -> tuple[str, Value]:
    elements = _elements(content, order)
    flags, sides = _numbers(elements, order), _numbers(elements, order)
    name = bytes(_next(elements)[1]).decode("latin-1")
    if len(flags) < 1 or not 2 <= len(sides) <= _MOST_SIDES or (sides < 0).any():
        raise NotMat("an array has no valid header")
    kind, shape = int(flags[0]) & 0xFF, tuple(int(side) for side in sides)
    if int(flags[0]) & _COMPLEX:
        return name, None
    if kind == _STRUCT:
        return name, _fields(elements, order, depth) if math.prod(shape) == 1 and depth < _DEEPEST else None
    if kind not in _NUMBERS and kind != _CHAR:
        return name, None
    type_, stored = _next(elements)
    if kind == _CHAR:
        return name, _text(stored, type_, shape, order)
    if type_ not in _TYPES:
        raise NotMat(f"an array has values of the type {type_}")
    dtype = np.dtype(order + _TYPES[type_])
    if math.prod(shape) * dtype.itemsize != len(stored):
        raise NotMat(f"an array of the shape {shape} has {len(stored):,} bytes")
    values = np.frombuffer(stored, dtype).reshape(shape, order="F")
    return name, values.astype(bool) if int(flags[0]) & _LOGICAL else values.astype(dtype.newbyteorder("="), copy=False)


def _fields(elements: Iterator[tuple[int, memoryview]], order: str, depth: int) -> dict[str, Value]:
    longest = _numbers(elements, order)
    names = bytes(_next(elements)[1])
    length = int(longest[0]) if len(longest) else 0
    if not 0 < length <= len(names) or len(names) // length > _MOST_FIELDS:
        raise NotMat("a struct has no valid names")
    found: dict[str, Value] = {}
    for start in range(0, len(names) - length + 1, length):
        kind, content = _next(elements)
        name = names[start : start + length].split(b"\0")[0].decode("latin-1")
        found[name] = _matrix(content, order, depth + 1)[1] if kind == _MATRIX and len(content) else None
    return found


def _text(stored: memoryview, type_: int, shape: tuple[int, ...], order: str) -> np.ndarray[Any, Any] | None:
    """Return rows of characters as text."""
    codec = {16: "utf-8", 2: "latin-1", 17: "utf-16-", 4: "utf-16-", 18: "utf-32-"}.get(type_)
    if codec is None or len(shape) != 2:
        return None
    codec += {"<": "le", ">": "be"}[order] if codec.endswith("-") and codec != "latin-1" else ""
    letters = bytes(stored).decode(codec, errors="replace")
    if len(letters) != math.prod(shape):
        return None
    return np.array(["".join(letters[row :: shape[0]]).rstrip() for row in range(shape[0])] or [""])


def _numbers(elements: Iterator[tuple[int, memoryview]], order: str) -> np.ndarray[Any, Any]:
    kind, content = _next(elements)
    if kind not in (5, 6) or len(content) % 4:
        raise NotMat("an array has no valid header")
    return np.frombuffer(content, np.dtype(order + _TYPES[kind]))


def _next(elements: Iterator[tuple[int, memoryview]]) -> tuple[int, memoryview]:
    try:
        return next(elements)
    except StopIteration:
        raise NotMat("an array is cut off") from None


def named_arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays of a file by name; those in structs by all names on the way but the outermost.

    Raises:
        DataError: the file is damaged or too large.
    """
    try:
        return dict(_flat(read_values(path)))
    except (NotMat, MemoryError) as error:
        raise DataError(f"{path} is damaged: {error}. Download it again.") from error


def _flat(values: dict[str, Value], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}_" if depth else "", depth + 1)
        elif value is not None:
            yield prefix + name, value
