import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from muslin.data.readers import npz
from muslin.errors import DataError


def arrays(**changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (12, 5, 4), dtype=np.uint8),
        "y_train": np.arange(12, dtype=np.uint8) % 3,
        "x_test": rng.integers(0, 256, (6, 5, 4), dtype=np.uint8),
        "y_test": np.arange(6, dtype=np.uint8) % 3,
    } | changes


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "data.npz"
    np.savez_compressed(path, **{name: values for name, values in arrays(**changes).items() if values is not None})
    return path


def test_grey_images_get_a_channel_axis(tmp_path: Path):
    files = npz.read(write(tmp_path))
    np.testing.assert_array_equal(files.train.images[..., 0], arrays()["x_train"])
    assert files.train.labels.dtype == np.int64


def test_labels_may_stand_in_a_column_as_in_cifar(tmp_path: Path):
    files = npz.read(write(tmp_path, y_train=arrays()["y_train"][:, None]))
    np.testing.assert_array_equal(files.train.labels, arrays()["y_train"])


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int32, np.float16, np.float64, ">f4", ">i2"])
def test_pixels_of_any_numeric_type_stay_as_they_are(tmp_path: Path, dtype: Any):
    images = arrays()["x_train"].astype(dtype)
    read = npz.read(write(tmp_path, x_train=images)).train.images
    assert read.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(read[..., 0], images)


def test_fortran_order_is_read_as_the_same_image(tmp_path: Path):
    files = npz.read(write(tmp_path, x_train=np.asfortranarray(arrays()["x_train"])))
    np.testing.assert_array_equal(files.train.images[..., 0], arrays()["x_train"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_test": None}, r"has no x_test; .* content: x_train, y_train, y_test\."),
        ({"y_train": None}, r"has no y_train; it must contain x_train, y_train"),
        ({"x_train": np.zeros((12, 5, 4), np.complex64)}, "x_train has values of type complex64; pixels are numbers"),
        ({"x_train": np.array([["a"]])}, "x_train has values of type <U1; pixels are numbers"),
        ({"x_train": np.zeros((12, 5), np.uint8)}, r"x_train has the shape \(12, 5\)"),
        ({"x_train": np.zeros((12, 5, 5, 2), np.uint8)}, "2 channels. Muslin reads 1"),
        ({"x_train": np.zeros((12, 5, 5, 4), np.uint8)}, r"save x\[..., :3\], without transparency"),
        ({"x_train": np.zeros((12, 28, 28, 28), np.uint8)}, r"3-D images\. .* such as x\[:, 14\]"),
        ({"x_train": np.zeros((12, 6, 6, 6, 1), np.uint8)}, "3-D images"),
        ({"x_train": np.zeros((0, 5, 4), np.uint8)}, "x_train is empty"),
        (
            {"y_train": np.zeros((12, 10), np.uint8)},
            r"y_train has the shape \(12, 10\): multi-label data\. Row 1",
        ),
        ({"y_train": np.arange(24).reshape(12, 2)}, r"\(12, 2\): 2 values per image"),
        ({"y_train": np.zeros((12, 5, 4), np.uint8)}, r"y_train has the shape \(12, 5, 4\)"),
        ({"y_train": np.full(12, 0.5)}, "y_train has labels such as 0.5"),
        ({"y_train": np.full(12, np.nan)}, "y_train has labels such as nan"),
        ({"y_train": np.full(12, 2**63, np.uint64)}, "y_train has labels such as 9223372036854775808"),
        ({"y_train": np.array(["a"] * 11 + [" "])}, "y_train: label 12 is empty"),
        ({"y_train": np.array([b"\xff"] * 12)}, "y_train has text that is not UTF-8"),
        ({"x_val": np.zeros((3, 5, 4))}, "has no y_val"),
        ({"X_Train": np.zeros((12, 5, 4))}, "2 arrays that could be the same: x_train, X_Train"),
        ({"y_train": np.zeros(11, np.uint8)}, "11 labels in .*y_train, but 12 images"),
    ],
)
def test_an_array_that_is_not_as_it_must_be_is_named(tmp_path: Path, changes: dict[str, Any], message: str):
    with pytest.raises(DataError, match=message):
        npz.read(write(tmp_path, **changes))


def test_a_pickle_is_never_loaded(tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("a pickle was loaded",)

    path = write(tmp_path, y_test=np.array([Trap()] * 6, dtype=object))
    with pytest.raises(DataError, match="y_test has values of type object"):
        npz.read(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing", b"<html>", b"\x93NUMPY"])
def test_what_is_not_an_npz_file_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"empty|damaged|web page"):
        npz.read(path)


def test_a_damaged_member_is_refused(tmp_path: Path):
    path = write(tmp_path)
    content = bytearray(path.read_bytes())
    content[200:220] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.npz"):
        npz.read(path)


def forge(path: Path, header: str, body: bytes) -> None:
    """Write an npz file whose x_train has a header of its own making."""
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + body
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_train.npy", member)
        for name in ("y_train", "x_test", "y_test"):
            buffer = io.BytesIO()
            np.save(buffer, arrays()[name])
            archive.writestr(f"{name}.npy", buffer.getvalue())


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000, 1000)}", "declares the shape"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': __import__('os')}", "not a valid NumPy array"),
        ("nonsense", "not a valid NumPy array"),
    ],
)
def test_a_header_that_lies_is_refused_before_anything_is_allocated(tmp_path: Path, header: str, message: str):
    forge(tmp_path / "data.npz", header + "\n", bytes(100))
    with pytest.raises(DataError, match=message):
        npz.read(tmp_path / "data.npz")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path):
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (100000, 1000)}\n"
    forge(tmp_path / "data.npz", header, bytes(10**8))
    with pytest.raises(DataError, match="looks like a decompression bomb"):
        npz.read(tmp_path / "data.npz")


# ── Names and shapes that people have ─────────────────────────────────────────────────────────────────────────────────

SIZES = {"train": 12, "val": 4, "test": 6}


def named(folder: Path, name: str, split_names: dict[str, str], **more: Any) -> Path:
    """Write a file whose arrays are named `name.format(kind=, split=)`."""
    rng = np.random.default_rng(0)
    content = dict(more)
    kinds = ("images", "labels") if "image" in name.lower() or "{kind}" in name else ("x", "y")
    for split, own in split_names.items():
        images = rng.integers(0, 256, (SIZES[split], 5, 4), dtype=np.uint8)
        for kind, values in zip(kinds, (images, np.arange(len(images)) % 3), strict=True):
            content[name.format(kind=kind, split=own, letter={"images": "x", "labels": "y"}.get(kind, kind))] = values
    path = folder / "named.npz"
    np.savez(path, **content)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "{letter}_{split}",
        "{split}_{letter}",
        "{split}{letter}",
        "{split}_{kind}",
        "{kind}-{split}",
        "my {split} {kind}",
    ],
)
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
@pytest.mark.parametrize("words", [("train", "val", "test"), ("training", "validation", "testing")])
def test_arrays_are_known_by_the_words_of_their_names(tmp_path: Path, name: str, case: Any, words: tuple[str, ...]):
    path = named(tmp_path, name, {key: case(word) for key, word in zip(SIZES, words, strict=True)})
    read = npz.read(path)
    assert read.validation is not None
    assert read.test is not None
    assert [len(read.train), len(read.validation), len(read.test)] == [12, 4, 6]
    assert not read.notes


@pytest.mark.parametrize("names", [("x", "y"), ("X", "y"), ("images", "labels"), ("data", "target"), ("fea", "gnd")])
def test_arrays_without_a_split_are_training_images(tmp_path: Path, names: tuple[str, str]):
    images, labels = arrays()["x_train"], arrays()["y_train"]
    np.savez(tmp_path / "d.npz", **dict(zip(names, (images, labels), strict=True)))
    read = npz.read(tmp_path / "d.npz")
    np.testing.assert_array_equal(read.train.images[..., 0], images)
    assert read.test is read.validation is None


def test_test_images_without_labels_are_said_and_not_read(tmp_path: Path):
    read = npz.read(write(tmp_path, y_test=None))
    assert (read.test, read.unlabeled) == (None, "data.npz (x_test)")


def test_one_hot_labels_become_class_numbers(tmp_path: Path):
    for ones in (np.eye(3, dtype=np.uint8), np.eye(3), np.eye(3, dtype=bool), 2 * np.eye(3) - 1):
        read = npz.read(write(tmp_path, y_train=ones[arrays()["y_train"]]))
        np.testing.assert_array_equal(read.train.labels, arrays()["y_train"])
        assert read.notes == ("y_train: one-hot labels of 3 classes, read as class numbers 0–2",)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_that_come_first_are_turned(tmp_path: Path, channels: int):
    images = np.random.default_rng(0).integers(0, 256, (12, channels, 5, 4), dtype=np.uint8)
    read = npz.read(write(tmp_path, x_train=images))
    np.testing.assert_array_equal(read.train.images, images.transpose(0, 2, 3, 1))
    assert "channels first" in read.notes[0]


def test_channels_that_come_last_stay_even_if_three_rows_look_like_channels(tmp_path: Path):
    images = np.random.default_rng(0).integers(0, 256, (12, 3, 4, 3), dtype=np.uint8)
    np.testing.assert_array_equal(npz.read(write(tmp_path, x_train=images)).train.images, images)


def test_rows_of_pixels_are_square_images(tmp_path: Path):
    images = np.random.default_rng(0).integers(0, 256, (12, 36), dtype=np.uint8)
    read = npz.read(write(tmp_path, x_train=images))
    np.testing.assert_array_equal(read.train.images[..., 0], images.reshape(12, 6, 6))
    assert read.notes == ("x_train: rows of 36 pixels, read as 6×6",)


@pytest.mark.parametrize("labels", [np.array(["cat", "dög "] * 6), np.char.encode(["cat", "dög"] * 6, "utf-8")])
def test_labels_may_be_text(tmp_path: Path, labels: np.ndarray):
    assert npz.read(write(tmp_path, y_train=labels)).train.labels.tolist() == ["cat", "dög"] * 6


def test_whole_numbers_may_be_floats_or_bools(tmp_path: Path):
    for dtype in (np.float32, bool, np.uint64):
        labels = (arrays()["y_train"] % 2).astype(dtype)
        read = npz.read(write(tmp_path, y_train=labels)).train.labels
        assert read.dtype == np.int64
        np.testing.assert_array_equal(read, labels)


def test_class_names_may_be_in_the_file_and_what_is_not_used_is_said(tmp_path: Path):
    read = npz.read(write(tmp_path, class_names=np.array(["a", "b", "c"]), seed=np.array([1])))
    assert read.class_names == ("a", "b", "c")
    assert read.notes == ("data.npz: seed not used",)
