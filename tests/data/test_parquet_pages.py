"""What a Parquet file unpacks to, of files that are written here by the letter of the format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from muslin.data.readers._parquet_pages import NotParquet, unpacked_size

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
BYTES_PER_ROW = 24

Field = tuple[int, int, bytes]


def varint(value: int) -> bytes:
    groups = []
    while True:
        groups.append(value & 0x7F)
        value >>= 7
        if not value:
            return bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])


def number(value: int) -> bytes:
    return varint(value * 2 if value >= 0 else -value * 2 - 1)


def struct(*fields: Field) -> bytes:
    content, before = b"", 0
    for field, kind, payload in fields:
        step = field - before
        content += bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + number(field)
        content += payload
        before = field
    return content + b"\0"


def items(kind: int, payloads: Sequence[bytes]) -> bytes:
    count = len(payloads)
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + varint(count)
    return head + b"".join(payloads)


def page(unpacked: int, packed: int, *more: Field) -> bytes:
    sizes = ((2, I32, number(unpacked)), (3, I32, number(packed)))
    return struct((1, I32, number(0)), *sizes, *more) + b"x" * max(packed, 0)


def column(length: int, at: int, dictionary: int | None = None, *more: Field) -> bytes:
    """One column's chunk: the bytes of all its pages, and where the first stand."""
    fields: list[Field] = [(7, I64, number(length)), (9, I64, number(at))]
    if dictionary is not None:
        fields.append((11, I64, number(dictionary)))
    return struct((3, STRUCT, struct(*fields, *more)))


def footer(groups: Sequence[Sequence[bytes]], rows: int = 0, *before: Field) -> bytes:
    groups_of_rows = [struct((1, LIST, items(STRUCT, columns))) for columns in groups]
    return struct(*before, (3, I64, number(rows)), (4, LIST, items(STRUCT, groups_of_rows)))


def size(tmp_path: Path, pages: bytes, foot: bytes, *, claimed: int | None = None) -> int:
    path = tmp_path / "file.parquet"
    length = len(foot) if claimed is None else claimed
    path.write_bytes(b"PAR1" + pages + foot + length.to_bytes(4, "little") + b"PAR1")
    return unpacked_size(path)


def test_it_is_what_every_page_of_every_column_says_and_a_little_for_each_row(tmp_path: Path) -> None:
    dictionary, first, second = page(1_000, 7), page(500, 0), page(70_000, 200)
    other = page(3, 1)
    one, two = dictionary + first + second, other
    foot = footer(
        [[column(len(one), 4 + len(dictionary), 4), column(len(two), 4 + len(one))], [column(len(two), 4 + len(one))]],
        rows=5,
    )
    assert size(tmp_path, one + two, foot) == 1_000 + 500 + 70_000 + 3 + 3 + 5 * BYTES_PER_ROW


def test_a_dictionary_that_does_not_exist_is_no_place(tmp_path: Path) -> None:
    pages = page(8, 2)
    assert size(tmp_path, pages, footer([[column(len(pages), 4, 0)]])) == 8


def test_a_negative_number_of_rows_takes_nothing_away(tmp_path: Path) -> None:
    pages = page(8, 2)
    assert size(tmp_path, pages, footer([[column(len(pages), 4)]], rows=-1_000)) == 8


def test_long_lists_are_read(tmp_path: Path) -> None:
    pages = page(8, 2)
    for count in (14, 15, 300):
        assert size(tmp_path, pages, footer([[column(len(pages), 4)] * count])) == 8 * count


def nested(levels: int, kind: int) -> bytes:
    payload = struct() if kind == STRUCT else items(BYTE, [])
    for _ in range(levels - 1):
        payload = struct((1, STRUCT, payload)) if kind == STRUCT else items(LIST, [payload])
    return payload


OTHERS: dict[str, Field] = {
    "true": (1, TRUE, b""),
    "false": (1, FALSE, b""),
    "byte": (1, BYTE, b"\x07"),
    "short": (1, I16, number(-300)),
    "double": (1, DOUBLE, b"\xff" * 8),
    "text": (1, BINARY, varint(200) + b"\x01" * 200),
    # Each takes a byte; this one, read as what comes next, would be a field of a kind that nobody knows.
    "list of truths": (1, LIST, items(TRUE, [b"\x1d", b"\x1d"])),
    "list of falsehoods": (1, LIST, items(FALSE, [b"\x1d", b"\x1d", b"\x1d"])),
    "list of texts": (1, LIST, items(BINARY, [varint(1) + b"a"] * 20)),
    "set": (1, SET, items(I32, [number(-1), number(2**31)])),
    "struct": (1, STRUCT, struct((2, I32, number(9)), (40, TRUE, b""), (1, FALSE, b""))),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_else_stands_in_a_footer_or_a_header_is_passed_over(tmp_path: Path, other: str) -> None:
    kind, payload = OTHERS[other][1:]
    pages = page(1_000, 7, (30, kind, payload))
    foot = footer([[column(len(pages), 4, None, (12, kind, payload))]], 2, OTHERS[other])
    assert size(tmp_path, pages, foot) == 1_000 + 2 * BYTES_PER_ROW


@pytest.mark.parametrize("kind", [STRUCT, LIST])
def test_headers_may_be_nested_seventeen_deep(tmp_path: Path, kind: int) -> None:
    deep = (30, kind, nested(17, kind))
    pages = page(1_000, 7, deep)
    assert size(tmp_path, pages, footer([[column(len(pages), 4)]], 0, (1, kind, nested(17, kind)))) == 1_000


GOOD = page(1_000, 7)


@pytest.mark.parametrize(
    ("pages", "foot", "reason"),
    [
        (page(-1, 0), footer([[column(8, 4)]]), "a page has a negative size"),
        (page(0, -1), footer([[column(8, 4)]]), "a page has a negative size"),
        (GOOD, footer([[column(len(GOOD), 3)]]), "a column lies outside the file"),
        (GOOD, footer([[column(len(GOOD), -4)]]), "a column lies outside the file"),
        (GOOD, footer([[column(-1, 4)]]), "a column lies outside the file"),
        (GOOD, footer([[column(1_000, 4)]]), "a column lies outside the file"),
        (GOOD, footer([[column(3, 4)]]), "a header is cut off"),
        (GOOD, footer([[struct()]]), "a header lacks the structure 3"),
        (GOOD, footer([[struct((3, STRUCT, struct()))]]), "a header lacks the number 7"),
        (GOOD, footer([[struct((3, STRUCT, struct((7, TRUE, b""))))]]), "a header lacks the number 7"),
        (GOOD, footer([[struct((3, I32, number(1)))]]), "a header lacks the structure 3"),
        (GOOD, struct(), "a header lacks the number 3"),
        (GOOD, struct((3, FALSE, b"")), "a header lacks the number 3"),
        (GOOD, struct((3, I64, number(1))), "a header lacks the list 4"),
        (GOOD, struct((3, I64, number(1)), (4, LIST, items(I32, [number(1)]))), "a header lacks the list 4"),
        (GOOD, struct((3, I64, number(1)), (4, LIST, items(STRUCT, [struct()]))), "a header lacks the list 1"),
        (struct((2, I32, number(1))), footer([[column(3, 4)]]), "a header lacks the number 3"),
        (GOOD, struct((1, MAP, b"")), "a header has a field of kind 11"),
        (GOOD, struct((1, 13, b"")), "a header has a field of kind 13"),
        (GOOD, struct((1, BINARY, varint(2))), "a header is cut off"),
        (GOOD, struct((1, DOUBLE, b"\xff" * 6)), "a header is cut off"),
        (GOOD, struct((1, LIST, b"\x35")), "a list is longer than the file"),
        (GOOD, struct((1, I64, b"\x80" * 10)), "a header holds a number without an end"),
        (GOOD, struct((1, STRUCT, nested(18, STRUCT))), "its headers are nested too deep"),
        (GOOD, struct((1, LIST, nested(18, LIST))), "its headers are nested too deep"),
        (GOOD, struct((1, LIST, b"\xf5" + varint(2**60))), "a list is longer than the file"),
    ],
)
def test_headers_that_make_no_sense_are_refused(tmp_path: Path, pages: bytes, foot: bytes, reason: str) -> None:
    with pytest.raises(NotParquet) as raised:
        size(tmp_path, pages, foot)
    assert str(raised.value) == reason


def test_a_footer_may_reach_back_to_the_first_bytes_and_no_further(tmp_path: Path) -> None:
    foot = footer([])
    assert size(tmp_path, b"", foot) == 0
    with pytest.raises(NotParquet, match="its footer claims to be longer than the file"):
        size(tmp_path, b"", foot, claimed=len(foot) + 1)


@pytest.mark.parametrize(
    "content", [b"PAR1", b"PAR1" + b"\0" * 3 + b"PAR1", b"PAR1" + b"\0" * 8, b"\0" * 8 + b"PAR1", b"x" * 40]
)
def test_what_does_not_begin_and_end_as_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.parquet"
    path.write_bytes(content)
    with pytest.raises(NotParquet, match="it does not begin and end as a Parquet file does"):
        unpacked_size(path)
