import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from muslin.data.readers import formats
from muslin.errors import DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
DIGITS = np.arange(20) % 10 + 1


def svhn(folder: Path, split: str, *, compress: bool = True) -> None:
    content = {"X": IMAGES.transpose(1, 2, 3, 0), "y": DIGITS[:, None].astype(np.uint8)}
    savemat(folder / f"{split}_32x32.mat", content, do_compression=compress)


@pytest.mark.parametrize("compress", [True, False])
def test_svhn_has_images_along_the_last_axis_and_10_for_the_digit_0(tmp_path: Path, compress: bool):
    for split in ("train", "test"):
        svhn(tmp_path, split, compress=compress)
    read = formats.read(tmp_path)
    np.testing.assert_array_equal(read.train.images, IMAGES)
    np.testing.assert_array_equal(read.train.labels, DIGITS % 10)
    assert read.class_names == tuple("0123456789")
    assert read.notes == ("SVHN's label 10 was read as the digit 0",)
    assert read.test is not None


def test_further_files_are_left_out_and_named_and_training_files_alone_have_no_test_images(tmp_path: Path):
    svhn(tmp_path, "train")
    svhn(tmp_path, "extra")
    read = formats.read(tmp_path / "train_32x32.mat")
    assert read.test is None
    assert "extra_32x32.mat not used" in read.notes


def test_one_file_may_have_all_arrays(tmp_path: Path):
    flat = IMAGES[..., 0].reshape(20, -1).T / 255  # (pixel, image), as USPS has them
    ones = 2 * np.eye(10)[DIGITS - 1].T - 1
    savemat(
        tmp_path / "usps.mat",
        {"train_patterns": flat, "train_labels": ones, "test_patterns": flat, "test_labels": ones},
    )
    read = formats.read(tmp_path / "usps.mat")
    np.testing.assert_array_equal(read.train.images[..., 0], IMAGES[..., 0] / 255)
    np.testing.assert_array_equal(read.train.labels, DIGITS - 1)


def test_emnists_struct_is_read(tmp_path: Path):
    split = {
        "images": IMAGES[..., 0].reshape(20, -1),
        "labels": DIGITS[:, None].astype(float),
        "writers": np.ones((20, 1)),
    }
    savemat(tmp_path / "emnist.mat", {"dataset": {"train": split, "test": split, "mapping": np.eye(2)}})
    read = formats.read(tmp_path)
    np.testing.assert_array_equal(read.train.images[..., 0], IMAGES[..., 0])
    assert read.test is not None
    np.testing.assert_array_equal(read.test.labels, DIGITS)


def test_a_missing_array_is_named(tmp_path: Path):
    savemat(tmp_path / "d.mat", {"x_train": IMAGES})
    with pytest.raises(DataError, match=r"has no y_train.*content: x_train"):
        formats.read(tmp_path / "d.mat")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"MATLAB 7.3 MAT-file" + bytes(600), "is a MATLAB 7.3 file"),
        (bytes(512) + b"\x89HDF\r\n\x1a\n", "is a MATLAB 7.3 file"),
        (b"nonsense" * 20, "does not begin with"),
        (b"<html>log in", "is a web page"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_file_of_version_5_to_7_is_refused(tmp_path: Path, content: bytes, message: str):
    (tmp_path / "d.mat").write_bytes(content)
    with pytest.raises(DataError, match=message):
        formats.read(tmp_path / "d.mat")


def element(content: bytes) -> bytes:
    packed = zlib.compress(content, 9)
    return b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 15, len(packed)) + packed


def test_a_bomb_is_not_unpacked(tmp_path: Path):
    (tmp_path / "d.mat").write_bytes(element(bytes(10**8)))
    with pytest.raises(DataError, match="looks like a decompression bomb"):
        formats.read(tmp_path / "d.mat")


@pytest.mark.parametrize("keep", [130, 500, -5])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int):
    svhn(tmp_path, "train")
    path = tmp_path / "train_32x32.mat"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cut off|damaged|has no y_train|has no x_train"):
        formats.read(path)


def test_several_files_are_refused_with_their_names(tmp_path: Path):
    both: dict[str, Any] = {"x": IMAGES, "y": DIGITS}
    for name in ("a.mat", "b.mat"):
        savemat(tmp_path / name, both)
    with pytest.raises(DataError, match=r"2 \.mat files: a\.mat, b\.mat"):
        formats.read(tmp_path)
    assert len(formats.read(tmp_path / "b.mat").train) == 20
