"""The unpacked size of a Parquet file, from the headers of its pages, before any page is unpacked.

The sizes in the footer can be false; a reader allocates the size in each page's header. Headers are Thrift structures
of the compact protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), with the
fields of parquet.thrift (https://github.com/apache/parquet-format).
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, TypeAlias

_MAGIC = b"PAR1"
_BYTES_PER_ROW = 24  # a label and an offset
_DEEPEST = 16  # parquet.thrift nests half as deep
_LONGEST_VARINT = 10
_BINARY, _LIST, _SET, _STRUCT = 8, 9, 10, 12

Struct: TypeAlias = dict[int, Any]


class NotParquet(ValueError):  # noqa: N818  (the reader turns it into a DataError that names the file)
    """The file's headers are invalid."""


def unpacked_size(path: Path) -> int:
    """Return an upper bound of the memory that reading the file takes, in bytes, from page headers and number of rows.

    Raises:
        NotParquet: the footer or a page header is damaged.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end = len(content) - 8
        if end < 4 or content[-4:] != _MAGIC or content[:4] != _MAGIC:
            raise NotParquet("it does not begin and end as a Parquet file does")
        start = end - int.from_bytes(content[-8:-4], "little")
        if start < 4:
            raise NotParquet("its footer claims to be longer than the file")
        footer = _Compact(content, start, end).struct()
        rows = _number(footer, 3)
        total = max(rows, 0) * _BYTES_PER_ROW
        for group in _structs(footer, 4):
            for chunk in _structs(group, 1):
                total += _chunk_size(content, _struct(chunk, 3))
        return total


def _chunk_size(content: mmap.mmap, column: Struct) -> int:
    """Return the unpacked size of one column chunk's pages, in bytes."""
    offsets = [offset for offset in (column.get(9), column.get(11)) if isinstance(offset, int) and offset > 0]
    at = min(offsets, default=0)
    end = at + _number(column, 7)
    if not 4 <= at <= end <= len(content):
        raise NotParquet("a column lies outside the file")
    total = 0
    while at < end:
        header = _Compact(content, at, end)
        page = header.struct()
        unpacked, packed = _number(page, 2), _number(page, 3)
        if unpacked < 0 or packed < 0:
            raise NotParquet("a page has a negative size")
        total += unpacked
        at = header.at + packed
    return total


class _Compact:
    """Reads Thrift's compact protocol between two offsets."""

    def __init__(self, content: mmap.mmap, start: int, end: int) -> None:
        self.content, self.at, self.end = content, start, end

    def struct(self, depth: int = 0) -> Struct:
        """Return the fields of a struct by number."""
        fields: Struct = {}
        number = 0
        while (head := self._byte()) != 0:
            step, kind = head >> 4, head & 0x0F
            number = number + step if step else self._signed()
            fields[number] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:  # noqa: PLR0911  (one line per kind reads best)
        if depth > _DEEPEST:
            raise NotParquet("its headers are nested too deep")
        if kind in (1, 2):  # a bool within a struct is its kind
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._signed()
        if kind == 7:
            return self._skip(8)
        if kind == _BINARY:
            return self._skip(self._unsigned())
        if kind in (_LIST, _SET):
            return self._list(depth)
        if kind == _STRUCT:
            return self.struct(depth + 1)
        raise NotParquet(f"a header has a field of kind {kind}")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count, kind = head >> 4, head & 0x0F
        count = self._unsigned() if count == 0x0F else count
        if count > self.end - self.at:  # an item takes a byte or more
            raise NotParquet("a list is longer than the file")
        return [self._byte() if kind in (1, 2) else self._value(kind, depth + 1) for _ in range(count)]

    def _byte(self) -> int:
        if self.at >= self.end:
            raise NotParquet("a header is cut off")
        self.at += 1
        return self.content[self.at - 1]

    def _skip(self, length: int) -> None:
        if length > self.end - self.at:
            raise NotParquet("a header is cut off")
        self.at += length

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _unsigned(self) -> int:
        value = 0
        for position in range(_LONGEST_VARINT):
            byte = self._byte()
            value |= (byte & 0x7F) << 7 * position
            if byte < 0x80:
                return value
        raise NotParquet("a header holds a number without an end")


def _number(fields: Struct, number: int) -> int:
    value = fields.get(number)
    if isinstance(value, bool) or not isinstance(value, int):
        raise NotParquet(f"a header lacks the number {number}")
    return value


def _struct(fields: Struct, number: int) -> Struct:
    value = fields.get(number)
    if not isinstance(value, dict):
        raise NotParquet(f"a header lacks the structure {number}")
    return value


def _structs(fields: Struct, number: int) -> list[Struct]:
    value = fields.get(number)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise NotParquet(f"a header lacks the list {number}")
    return value
