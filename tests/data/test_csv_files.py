"""CSV files as people have them: where the label stands, what the pixels are, and what is said of the rest."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from helpers.tiny import WriteData
from muslin.data import load_data
from muslin.data.contents import Contents
from muslin.data.readers import csv_files, formats
from muslin.data.reading import Reading
from muslin.errors import DataError

PIXELS = [f"pixel{number}" for number in range(9)]
Row = Callable[[int, int, list[int]], list[object]]


def images(many: int, pixels: int = 9) -> np.ndarray:
    return np.random.default_rng(0).integers(10, 256, (many, pixels))


def write(
    path: Path,
    header: Sequence[object] | None,
    row: Row = lambda _number, label, pixels: [label, *pixels],
    *,
    separator: str = ",",
    many: int = 12,
    pixels: int = 9,
    encoding: str = "utf-8",
) -> Path:
    """Write labels 0, 1, 2, 0, … and random pixels; `row` arranges the number, label and pixels of an image."""
    rows = [row(number, number % 3, each.tolist()) for number, each in enumerate(images(many, pixels))]
    lines = [separator.join(map(str, cells)) for cells in ([header] if header else []) + rows]
    content = ("\n".join(lines) + "\n").encode(encoding)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def is_read(contents: Contents, many: int = 12) -> bool:
    """Whether every pixel and label is the one that `write` wrote."""
    return contents.train.images.reshape(many, -1).tolist() == images(
        many, contents.train.images[0].size
    ).tolist() and contents.train.labels.tolist() == [number % 3 for number in range(many)]


@pytest.fixture
def folder(write_data: WriteData) -> Path:
    return write_data("csv", height=3, width=3)


def spoil(folder: Path, line: int, content: str) -> Path:
    """Replace a line (from 1) of the training file."""
    path = folder / "fashion-mnist_train.csv"
    lines = path.read_text().splitlines()
    lines[line - 1] = content
    path.write_text("\n".join(lines) + "\n")
    return path


def test_every_pixel_stands_where_a_plain_reading_of_the_text_puts_it(folder: Path):
    lines = (folder / "fashion-mnist_train.csv").read_text().splitlines()[1:]
    train = csv_files.read(folder).train
    assert train.images.dtype == np.uint8
    for row, line in enumerate(lines):
        label, *pixels = map(int, line.split(","))
        assert train.labels[row] == label
        assert train.images[row].ravel().tolist() == pixels


ARRANGED: dict[str, tuple[Sequence[object] | None, Row]] = {
    "label last": ([*PIXELS, "class"], lambda _, label, pixels: [*pixels, label]),
    "upper case": (["Label", *PIXELS], lambda _, label, pixels: [label, *pixels]),
    "whole floats": (["target", *PIXELS], lambda _, label, pixels: [float(label), *map(float, pixels)]),
    "index of pandas": (["", "label", *PIXELS], lambda number, label, pixels: [number, label, *pixels]),
    "ids": (["image_id", "digit", *PIXELS], lambda number, label, pixels: [f"{number}.png", label, *pixels]),
    "other columns": (["y", "age", "sex", *PIXELS], lambda number, label, pixels: [label, number, "f", *pixels]),
    "trailing comma": (["label", *PIXELS, ""], lambda _, label, pixels: [label, *pixels, ""]),
    "rows and columns": (
        ["label", *(f"{row}x{column}" for row in (1, 2, 3) for column in (1, 2, 3))],
        lambda _, label, pixels: [label, *pixels],
    ),
    "x before y": (
        ["label", *(f"x{column}y{row}" for row in (1, 2, 3) for column in (1, 2, 3))],
        lambda _, label, pixels: [label, *pixels],
    ),
    "shuffled": (["label", *PIXELS[::-1]], lambda _, label, pixels: [label, *pixels[::-1]]),
    "one name many times": (
        ["label", "pixel", *(f"pixel.{number}" for number in range(1, 9))],
        lambda _, label, pixels: [label, *pixels],
    ),
    "numbers as names": (["label", *range(9)], lambda _, label, pixels: [label, *pixels]),
    "only numbers as names": (range(10), lambda _, label, pixels: [label, *pixels]),
    "an index and numbers as names": (["", *range(10)], lambda number, label, pixels: [number, label, *pixels]),
    "no names": (None, lambda _, label, pixels: [label, *pixels]),
    "no names, an index": (None, lambda number, label, pixels: [number, label, *pixels]),
    "quotes": (["label", *PIXELS], lambda _, label, pixels: [f'"{cell}"' for cell in (label, *pixels)]),
    "blanks": ([" label", *PIXELS], lambda _, label, pixels: [label, *(f" {pixel}" for pixel in pixels)]),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRANGED)
def test_columns_are_found_wherever_they_stand(name: str, tmp_path: Path):
    contents = csv_files.read(write(tmp_path / "digits.csv", *ARRANGED[name]))
    assert is_read(contents)
    assert contents.train.images.shape == (12, 3, 3, 1)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("index of pandas", "the column without a name was left out (digits.csv)"),
        ("other columns", "the columns 'age' and 'sex' were left out (digits.csv)"),
        ("ids", "the column 'image_id' was left out (digits.csv)"),
        ("shuffled", "the pixel columns were put in the order of the numbers in their names (digits.csv)"),
        ("no names", "no column has a name like 'label'; the first column was read as the label (digits.csv)"),
    ],
)
def test_what_was_done_with_columns_is_noted(name: str, note: str, tmp_path: Path):
    assert csv_files.read(write(tmp_path / "digits.csv", *ARRANGED[name])).notes == (note,)


def test_the_label_of_a_file_without_names_is_in_the_last_column_if_the_first_is_constant(tmp_path: Path):
    for name in ("train.csv", "test.csv"):
        write(tmp_path / name, None, lambda _, label, pixels: [0, *pixels[1:], label])
    contents = csv_files.read(tmp_path)
    assert contents.test is not None
    assert contents.train.labels.tolist() == contents.test.labels.tolist() == [0, 1, 2] * 4
    assert not contents.train.images[:, 0, 0].any()


def test_a_first_line_that_pandas_took_for_names_is_left_out_and_noted(tmp_path: Path):
    names = ["2", "0", "0.1", "0.2", "7", "0.3", "7.1", "0.4", "0.5", "0.6"]  # 2,0,0,0,7,0,7,0,0,0
    contents = csv_files.read(write(tmp_path / "letters.csv", names))
    assert is_read(contents)
    assert any("took for names" in note for note in contents.notes)


@pytest.mark.parametrize(
    ("name", "separator"),
    [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t"), ("a.csv.gz", ","), ("a.tsv.gz", "\t"), ("a.csv", "|")],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("header", [["label", *PIXELS], None])
def test_separators_compression_and_byte_order_marks_are_recognized(
    name: str, separator: str, encoding: str, header: list[str] | None, tmp_path: Path
):
    assert is_read(csv_files.read(write(tmp_path / name, header, separator=separator, encoding=encoding)))


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n\n"[:1]])
def test_lines_end_as_on_any_system(end: bytes, tmp_path: Path):
    path = write(tmp_path / "digits.csv", ["label", *PIXELS])
    path.write_bytes(path.read_bytes().replace(b"\n", end) + end)
    assert is_read(csv_files.read(path))


def test_decimal_commas_are_fractions(tmp_path: Path):
    def row(_number: int, label: int, pixels: list[int]) -> list[object]:
        return [label, *(str(pixel / 256).replace(".", ",") for pixel in pixels)]

    train = csv_files.read(write(tmp_path / "digits.csv", ["label", *PIXELS], row, separator=";")).train
    assert (train.images.reshape(12, 9) * 256).tolist() == images(12).tolist()


@pytest.mark.parametrize("factor", [100, -1])
def test_whole_numbers_of_any_range_are_kept(factor: int, tmp_path: Path):
    path = tmp_path / "a.csv"
    write(path, ["label", *PIXELS], lambda _, label, pixels: [label, *(pixel * factor for pixel in pixels)])
    found = csv_files.read(path).train.images
    assert found.dtype == np.int32
    assert found.reshape(12, 9).tolist() == (images(12) * factor).tolist()


@pytest.mark.parametrize("header", [["label", *PIXELS], None])
def test_labels_may_be_text(header: list[str] | None, tmp_path: Path):
    names = ("café", "tea, green", "7up")
    path = write(tmp_path / "a.csv", header, lambda _, label, pixels: [f'"{names[label]}"', *pixels])
    assert csv_files.read(path).train.labels.tolist() == list(names) * 4


def test_labels_may_be_negative_or_named_by_a_person(tmp_path: Path):
    path = write(tmp_path / "a.csv", ["label", "sign", *PIXELS], lambda _, label, pixels: [9, label - 1, *pixels])
    assert csv_files.read(path, Reading(label="Sign")).train.labels.tolist() == [-1, 0, 1] * 4


@pytest.mark.parametrize(
    ("header", "label", "message"),
    [
        (["lable", *PIXELS], None, r"perhaps it is the column 'lable'\. If it is, pass `label=lable`"),
        (["fruit", *PIXELS], None, "perhaps it is the column 'fruit'"),
        (["Label", *PIXELS], "lbl", r"no column 'lbl', which `label=` names; perhaps 'Label' is meant"),
        (["id", *PIXELS], None, "beside pixels it has 'id'. Pass the name"),
    ],
)
def test_a_label_column_with_an_unusual_name_is_asked_about(
    header: list[str], label: str | None, message: str, tmp_path: Path
):
    path = write(tmp_path / "a.csv", header)
    with pytest.raises(DataError, match=message):
        csv_files.read(path, Reading(label=label))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0,1,2,3,four,5,6,7,8,9", "line 5, column 'pixel4': 'four' is not a pixel"),
        ("0,1,2,3,nan,5,6,7,8,9", "line 5, column 'pixel4': 'nan' is not a pixel"),
        ("0,1,2,3,,5,6,7,8,9", "line 5, column 'pixel4': '' is not a pixel"),
        ("coat,1,2,3,4,5,6,7,8,9", "line 5: label 'coat' is not a number, as the others are"),
        ("0.5,1,2,3,4,5,6,7,8,9", "line 5: label '0.5' is not a whole number"),
        (",1,2,3,4,5,6,7,8,9", "line 5: the label is empty"),
        ("0,1,2,3", "line 5: 4 values, but the header names 10 columns"),
        ("0,1,2,3,4,5,6,7,8,9,10", "line 5: 11 values, but the header names 10 columns"),
        ("", "line 5 is empty"),
        (f"{'x' * 300},1,2,3,4,5,6,7,8,9", "line 5: label 'x{40}'… is longer than 200 characters"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_column(folder: Path, row: str, message: str):
    spoil(folder, 5, row)
    with pytest.raises(DataError, match=message):
        csv_files.read(folder)


def test_another_encoding_is_named_with_the_expected_one(tmp_path: Path):
    path = write(tmp_path / "a.csv", ["label", *PIXELS], lambda _, label, pixels: ["thé", *pixels], encoding="latin-1")
    with pytest.raises(DataError, match=r"not encoded as UTF-8 \(line 2, b'\\xe9'\)\. Save it as UTF-8"):
        csv_files.read(path)
    path.write_bytes("label,pixel0".encode("utf-16"))
    with pytest.raises(DataError, match=r"not encoded as UTF-8 \(UTF-16\)"):
        csv_files.read(path)


def test_a_missing_pixel_column_is_named(folder: Path):
    spoil(folder, 1, "label,pixel1,pixel2,pixel4,pixel5,pixel6,pixel7,pixel8,pixel9")
    with pytest.raises(DataError, match=r"8 pixel columns \(pixel3 is missing\)"):
        csv_files.read(folder)


def test_a_column_named_twice_is_refused(folder: Path):
    spoil(folder, 1, "label,pixel1,pixel1,pixel3,pixel4,pixel5,pixel6,pixel7,pixel8,pixel9")
    with pytest.raises(DataError, match="the column 'pixel1' twice"):
        csv_files.read(folder)


def test_a_file_without_rows_is_refused(folder: Path):
    path = folder / "fashion-mnist_train.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(DataError, match="a header but no rows"):
        csv_files.read(folder)


@pytest.mark.parametrize(("content", "what"), [(b"<html>", "web page"), (b"PK\x03\x04", "ZIP archive"), (b"", "empty")])
def test_what_is_not_csv_at_all_is_recognized(folder: Path, content: bytes, what: str):
    (folder / "fashion-mnist_test.csv").write_bytes(content)
    with pytest.raises(DataError, match=what):
        csv_files.read(folder)


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path):
    path = tmp_path / "bomb.csv.gz"
    line = b"0," + b",".join([b"1"] * 9) + b"\n"
    path.write_bytes(gzip.compress(line * (2**27 // len(line)), 9))
    with pytest.raises(DataError, match="looks like a decompression bomb"):
        csv_files.read(path)
    path.write_bytes(path.read_bytes()[:-4] + bytes(4))
    with pytest.raises(DataError, match="unpacks to more than"):
        csv_files.read(path)


def test_load_data_reads_labels_from_one_and_a_test_split_on_request(tmp_path: Path):
    path = write(tmp_path / "a.csv", ["label", *PIXELS], lambda _, label, pixels: [label + 1, *pixels], many=60)
    assert load_data(path, test_fraction=0.2).class_names == ("class 1", "class 2", "class 3")


def test_lists_of_files_beside_images_are_left_alone_and_noted(write_data: WriteData):
    folder = write_data("folder")
    (folder / "train.csv").write_text("filename,label\ntrain/kind a/0000.png,a\n")
    contents = formats.read(folder)
    assert len(contents.train) == 60
    assert any("train.csv" in note for note in contents.notes)
    with pytest.raises(DataError, match="It seems to list image files"):
        formats.read(folder / "train.csv")
