from pathlib import Path

import numpy as np
import pytest

from helpers.tiny import WriteData
from muslin.data import csv_files
from muslin.errors import DataError


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
    for row, line in enumerate(lines):
        label, *pixels = map(int, line.split(","))
        assert train.labels[row] == label
        assert train.images[row].ravel().tolist() == pixels


def test_the_label_may_stand_in_another_column(folder: Path):
    before = csv_files.read(folder).train
    path = folder / "fashion-mnist_train.csv"
    turned = [",".join([*line.split(",")[1:], line.split(",")[0]]) for line in path.read_text().splitlines()]
    path.write_text("\n".join(turned))
    after = csv_files.read(folder).train
    np.testing.assert_array_equal(after.images, before.images)
    np.testing.assert_array_equal(after.labels, before.labels)


def test_quoted_values_and_windows_line_ends_are_read(folder: Path):
    path = spoil(folder, 2, '"1","0","1","2","3","4","5","6","7","255"')
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    train = csv_files.read(folder).train
    assert train.images[0].ravel().tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 255]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0,1,2,3,four,5,6,7,8,9", "line 5, column 'pixel4': 'four' is not a pixel"),
        ("0,1,2,3,256,5,6,7,8,9", "line 5, column 'pixel4': '256' is not a pixel"),
        ("0,1,2,3,-4,5,6,7,8,9", "line 5, column 'pixel4': '-4' is not a pixel"),
        ("0,1,2,3,4.5,5,6,7,8,9", "line 5, column 'pixel4': '4.5' is not a pixel"),
        ("0,1,2,3,,5,6,7,8,9", "line 5, column 'pixel4': '' is not a pixel"),
        ("coat,1,2,3,4,5,6,7,8,9", "line 5: label 'coat' is not a whole number"),
        ("0,1,2,3", "line 5: 4 values, but the header names 10 columns"),
        ("0,1,2,3,4,5,6,7,8,9,10", "line 5: 11 values, but the header names 10 columns"),
        ("", "line 5: 1 value, but the header names 10 columns"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_column(folder: Path, row: str, message: str):
    spoil(folder, 5, row)
    with pytest.raises(DataError, match=message):
        csv_files.read(folder)


def test_a_missing_pixel_column_is_named(folder: Path):
    spoil(folder, 1, "label,pixel1,pixel2,pixel4,pixel5,pixel6,pixel7,pixel8,pixel9")
    with pytest.raises(DataError, match=r"8 pixel columns \(pixel3 is missing\)"):
        csv_files.read(folder)


def test_a_missing_label_column_is_refused(folder: Path):
    spoil(folder, 1, "class,pixel1,pixel2,pixel3,pixel4,pixel5,pixel6,pixel7,pixel8,pixel9")
    with pytest.raises(DataError, match="has no column 'label'"):
        csv_files.read(folder)


def test_a_header_with_semicolons_is_asked_about(folder: Path):
    spoil(folder, 1, "label;" + ";".join(f"pixel{number}" for number in range(1, 785)))
    with pytest.raises(DataError, match=r"pixel\d*;?.*semicolons; save it with commas") as caught:
        csv_files.read(folder)
    assert "pixel20" not in str(caught.value)


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


def test_a_missing_test_file_is_named(folder: Path):
    (folder / "fashion-mnist_test.csv").unlink()
    with pytest.raises(DataError, match="has no test file"):
        csv_files.read(folder)


def test_two_files_that_could_be_the_training_file_are_refused(folder: Path):
    (folder / "more_train.csv").write_bytes((folder / "fashion-mnist_train.csv").read_bytes())
    with pytest.raises(
        DataError, match=r"2 files that could be the train file: fashion-mnist_train\.csv, more_train\.csv"
    ):
        csv_files.read(folder)
