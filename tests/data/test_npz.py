import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from muslin.data import npz
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


def test_wider_integers_are_taken_if_they_are_pixels(tmp_path: Path):
    files = npz.read(write(tmp_path, x_train=arrays()["x_train"].astype(np.int32)))
    assert files.train.images.dtype == np.uint8


def test_fortran_order_is_read_as_the_same_image(tmp_path: Path):
    files = npz.read(write(tmp_path, x_train=np.asfortranarray(arrays()["x_train"])))
    np.testing.assert_array_equal(files.train.images[..., 0], arrays()["x_train"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, r"has no y_test; .* content: x_train, y_train, x_test\."),
        ({"x_train": np.zeros((12, 5, 4), np.float32)}, "x_train has values of type float32"),
        ({"x_test": np.zeros((6, 5, 4), np.float32)}, "multiply them by 255, round, and save as uint8"),
        ({"x_train": np.full((12, 5, 4), 256)}, "x_train has pixels from 256 to 256"),
        ({"x_train": np.full((12, 5, 4), -1)}, "x_train has pixels from -1 to -1"),
        ({"x_train": np.zeros((12, 5), np.uint8)}, r"x_train has the shape \(12, 5\)"),
        ({"x_train": np.zeros((12, 3, 5, 5), np.uint8)}, "1 or 3 channels"),
        ({"x_train": np.zeros((0, 5, 4), np.uint8)}, "x_train is empty"),
        ({"y_train": np.zeros((12, 10), np.uint8)}, r"y_train has the shape \(12, 10\)"),
        ({"y_train": np.zeros(11, np.uint8)}, "11 labels in y_train, but 12 images"),
        ({"y_train": np.array(["a"] * 12)}, "y_train has values of type <U1"),
        ({"x_test": np.zeros((6, 4, 5), np.uint8)}, "training images .* 5×4×1, but test images .* 4×5×1"),
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
    with pytest.raises(DataError, match=r"empty|damaged"):
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
