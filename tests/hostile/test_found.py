"""What fuzzing found, each once: a file that led to something else than an explanation."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.hostile.readers import READERS
from muslin.errors import MuslinError
from muslin.training.history import COLUMNS

HEADER = ",".join(COLUMNS).encode()
ONNX = READERS["onnx"].whole[0]


def with_a_name_that_is_no_text(archive: bytes) -> bytes:
    """Sets the flag that says that names are UTF-8, and breaks a name."""
    content = bytearray(archive)
    entry = content.index(b"PK\x01\x02")
    content[entry + 9] |= 0x08
    content[entry + 46] = 0xFF
    return bytes(content)


FOUND = {
    "a bare carriage return in a history was a csv.Error": ("history.csv", HEADER + b"\n1,\r2,3\n", "as CSV"),
    "an infinite epoch was an OverflowError": ("history.csv", HEADER + b"\ninf,1,1,1,1,1,1,1\n", "has epoch inf"),
    "an epoch left out made a history that counts wrongly": (
        "history.csv",
        HEADER + b"\n2,1,1,1,1,1,1,1\n",
        "has epoch 2; expected 1",
    ),
    "an empty history was a StopIteration in waiting": ("history.csv", b"", "history.csv is empty"),
    "a number of 5,000 digits in a recipe was a ValueError": (
        "recipe",
        READERS["recipe"].whole[0] + b"x = " + b"9" * 5000,
        "not valid TOML",
    ),
    "a recipe's hexadecimal number could not be printed": (
        "recipe",
        READERS["recipe"].whole[0].replace(b"epochs = 3", b"epochs = 0x" + b"f" * 9000),
        "a number with too many digits",
    ),
    "a key of 50,000 parts took 10 GB": ("design", b"a" + b".a" * 50_000 + b" = 1", "more than 64 parts"),
    "metadata that is no text was a UnicodeDecodeError": (
        "onnx",
        ONNX.replace(b"muslin.design", b"muslin.\xffesign"),
        "is not an ONNX file that Muslin wrote",
    ),
    "an array of another shape failed at the first image only": (
        "onnx",
        ONNX.replace(b"conv1.bias", b"conv1.bent"),
        "not those of its design",
    ),
    "a batch's name that is no text was a UnicodeDecodeError": (
        "onnx",
        ONNX.replace(b"\x12\x05batch", b"\x12\x05\xffatch"),
        "is not an ONNX file that Muslin wrote",
    ),
    "a member's name that is no text was a UnicodeDecodeError": (
        "npz",
        with_a_name_that_is_no_text(READERS["npz"].whole[0]),
        "is damaged or not an .npz file",
    ),
    "lists within lists in a Parquet footer were a RecursionError": (
        "parquet",
        b"PAR1" + b"\x19" * 5000 + (5000).to_bytes(4, "little") + b"PAR1",
        "nested too deep",
    ),
    "a CSV file at which Polars panics was a PanicException": (
        "csv",
        b'label,pixel1,=pixel2,pixel3,pixel4\n0,1,2,3,4\n1,5,6,7,255\n"',
        "csv",
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_it_is_explained(name: str, tmp_path: Path) -> None:
    reader, content, says = FOUND[name]
    with pytest.raises(MuslinError, match=says):
        READERS[reader](content, tmp_path)


def test_prose_with_many_dots_is_no_long_key(tmp_path: Path) -> None:
    prose = b'because = """\n' + b". " * 300 + b'"""  # ' + b"." * 300 + b"\n"
    assert READERS["recipe"](prose + READERS["recipe"].whole[0], tmp_path)
