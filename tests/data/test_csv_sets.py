"""Which CSV files of a folder are read, and the shape of their images."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from muslin.data.readers import csv_files, formats
from muslin.data.readers._train_test import split_of
from muslin.data.reading import Reading
from muslin.errors import DataError


def write(path: Path, pixels: int = 4, label: str = "label", many: int = 6) -> Path:
    header = ",".join([*([label] if label else []), *(f"pixel{number}" for number in range(pixels))])
    values = np.random.default_rng(len(path.name)).integers(0, 256, (many, pixels))
    rows = np.column_stack([np.arange(many) % 2, values]) if label else values
    np.savetxt(path, rows, fmt="%d", delimiter=",", header=header, comments="")
    return path


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("fashion-mnist_train.csv", "train"),
        ("MnistTraining.csv", "train"),
        ("trainset.csv", "train"),
        ("mnist_t10k.csv", "test"),
        ("Testing.tsv", "test"),
        ("eval.csv", "test"),
        ("valid.csv", "validation"),
        ("dev.csv", "validation"),
        ("trainval.csv", None),
        ("train-val.csv", "train"),
        ("strain.csv", None),
        ("latest.csv", None),
        ("train_test.csv", None),
    ],
)
def test_the_split_is_told_by_whole_words(name: str, split: str | None):
    assert split_of(name) == split


def test_a_validation_file_is_used_as_such(tmp_path: Path):
    for name in ("train.csv", "val.csv", "test.csv"):
        write(tmp_path / name)
    contents = csv_files.read(tmp_path)
    assert [part.name for part in contents.parts] == ["train.csv", "val.csv", "test.csv"]
    assert contents.validation is not None
    assert contents.validation.name == "val.csv"


def test_a_test_file_without_labels_is_named(tmp_path: Path):
    write(tmp_path / "train.csv")
    write(tmp_path / "test.csv", label="")
    contents = csv_files.read(tmp_path)
    assert (contents.test, contents.unlabeled) == (None, "test.csv")


def test_a_test_file_with_another_name_for_the_label_is_asked_about(tmp_path: Path):
    write(tmp_path / "train.csv")
    write(tmp_path / "test.csv", label="labell")
    with pytest.raises(DataError, match=r"test\.csv has no column .* perhaps it is the column 'labell'"):
        csv_files.read(tmp_path)


def test_a_file_alone_has_no_test_images(tmp_path: Path):
    write(tmp_path / "mnist.csv")
    contents = formats.read(tmp_path)
    assert (contents.train.name, contents.test) == ("mnist.csv", None)


def test_a_file_asked_for_is_read_with_its_partner_or_alone(tmp_path: Path):
    for name in ("letters-train.csv", "letters-test.csv", "digits-train.csv", "digits-test.csv", "all.csv"):
        write(tmp_path / name)
    for asked in ("letters-train.csv", "letters-test.csv"):
        contents = formats.read(tmp_path / asked)
        assert [part.name for part in contents.parts] == ["letters-train.csv", "letters-test.csv"]
    assert [part.name for part in formats.read(tmp_path / "all.csv").parts] == ["all.csv"]
    with pytest.raises(DataError, match=r"2 files that could be the train file: digits-train\.csv, letters-train\.csv"):
        formats.read(tmp_path)


def test_files_that_are_not_read_are_noted(tmp_path: Path):
    for name in ("train.csv", "test.csv", "more.csv"):
        write(tmp_path / name)
    (tmp_path / "sample_submission.csv").write_text("id,label\n1,0\n")
    assert csv_files.read(tmp_path).notes == (
        "2 other CSV files in the folder not read: more.csv and sample_submission.csv",
    )


def test_several_files_without_a_split_in_their_names_are_refused(tmp_path: Path):
    for name in ("a.csv", "b.csv"):
        write(tmp_path / name)
    with pytest.raises(DataError, match=r"2 CSV files \(a\.csv, b\.csv\), and none has 'train' or 'test' in its name"):
        formats.read(tmp_path)


def test_a_missing_training_file_is_named(tmp_path: Path):
    write(tmp_path / "test.csv")
    with pytest.raises(DataError, match="has no train file"):
        csv_files.read(tmp_path)


@pytest.mark.parametrize(
    ("pixels", "reading", "shape"),
    [
        (784, Reading(), (28, 28, 1)),
        (2352, Reading(), (28, 28, 3)),
        (192, Reading(), (8, 8, 3)),
        (1200, Reading(size=(40, 30)), (40, 30, 1)),
        (1200, Reading(size=(30, 40)), (30, 40, 1)),
        (1200, Reading(color="rgb"), (20, 20, 3)),
        (1200, Reading(size=(25, 16)), (25, 16, 3)),
        (192, Reading(color="gray", size=(12, 16)), (12, 16, 1)),
    ],
)
def test_the_shape_of_rows_is_told_by_their_length_or_by_a_person(
    pixels: int, reading: Reading, shape: tuple[int, ...], tmp_path: Path
):
    assert csv_files.read(write(tmp_path / "a.csv", pixels), reading).train.images.shape[1:] == shape


@pytest.mark.parametrize(
    ("pixels", "reading", "message"),
    [
        (1200, Reading(), r"`size=30x40`, `size=40x30`, or `color=rgb` for color images of 20×20"),
        (1200, Reading(size=(28, 28)), r"not the pixels of `size=28x28`: that has 784 gray values or 2,352"),
        (2352, Reading(color="gray"), "`size=48x49`, `size=49x48`"),
        (13, Reading(), "no column is missing"),
    ],
)
def test_a_length_of_no_known_shape_is_refused_with_shapes_that_fit(
    pixels: int, reading: Reading, message: str, tmp_path: Path
):
    with pytest.raises(DataError, match=message):
        csv_files.read(write(tmp_path / "a.csv", pixels), reading)


def test_rows_to_predict_have_ids_and_may_have_labels(tmp_path: Path):
    path = write(tmp_path / "test.csv")
    rows = csv_files.read_unlabeled(path, Reading(), (2, 2, 1))
    assert (rows.id_name, rows.ids, rows.label_name) == ("id", ("1", "2", "3", "4", "5", "6"), "label")
    assert rows.images.shape == (6, 2, 2, 1)
    write(path, label="ImageId")
    assert csv_files.read_unlabeled(path, Reading(), (2, 2, 1)).id_name == "ImageId"
    with pytest.raises(DataError, match="4 pixel columns, but the network takes images of 3×3×1, which are 9"):
        csv_files.read_unlabeled(path, Reading(), (3, 3, 1))


def test_a_hidden_file_of_a_mac_is_passed_over(tmp_path: Path):
    path = write(tmp_path / "train.csv")
    shutil.copy(path, tmp_path / "test.csv")
    (tmp_path / "._train.csv").write_bytes(b"\0\5\x16\7")
    assert len(csv_files.read(tmp_path).train) == 6
