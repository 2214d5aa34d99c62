from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.tiny import WriteData
from muslin.data.readers import formats
from muslin.errors import DataError

RNG = np.random.default_rng(0)
ARRAYS = {
    ("train", "images"): RNG.integers(0, 256, (8, 5, 4), dtype=np.uint8),
    ("train", "labels"): np.arange(8) % 3,
    ("test", "images"): RNG.integers(0, 256, (4, 5, 4), dtype=np.uint8),
    ("test", "labels"): np.arange(4) % 3,
}


@pytest.mark.parametrize(
    "style", ["{letter}_{split}", "{split}_{kind}", "{split}-{kind}", "kmnist-{split}-{short}", "X{split}"]
)
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_a_folder_of_single_arrays_is_one_set(tmp_path: Path, style: str, suffix: str):
    save: Any = np.save if suffix == "npy" else np.savez_compressed
    for (split, kind), values in ARRAYS.items():
        letter = "x" if kind == "images" else "y"
        short = "imgs" if kind == "images" else "labels"
        name = style.replace("X", letter).format(letter=letter, split=split, kind=kind, short=short)
        save(tmp_path / f"{name}.{suffix}", values)
    for place in (tmp_path, tmp_path / f"{name}.{suffix}"):
        read = formats.read(place)
        assert read.test is not None
        np.testing.assert_array_equal(read.train.images[..., 0], ARRAYS["train", "images"])
        np.testing.assert_array_equal(read.test.labels, ARRAYS["test", "labels"])


def test_a_pair_without_a_split_is_the_training_split(tmp_path: Path):
    np.save(tmp_path / "X.npy", ARRAYS["train", "images"])
    np.save(tmp_path / "y.npy", ARRAYS["train", "labels"])
    assert formats.read(tmp_path).test is None


def test_of_several_sets_the_path_chooses_one(tmp_path: Path):
    for prefix in ("kmnist", "k49"):
        for (split, kind), values in ARRAYS.items():
            np.savez(tmp_path / f"{prefix}-{split}-{'imgs' if kind == 'images' else 'labels'}.npz", values)
    with pytest.raises(DataError, match=r"2 sets of NumPy files, such as .*k49-test-imgs\.npz"):
        formats.read(tmp_path)
    assert len(formats.read(tmp_path / "k49-train-labels.npz").train) == 8


def test_an_array_alone_is_told_what_is_missing(tmp_path: Path):
    np.save(tmp_path / "x_train.npy", ARRAYS["train", "images"])
    with pytest.raises(DataError, match="contains no data in a known format"):
        formats.read(tmp_path / "x_train.npy")
    np.save(tmp_path / "x_test.npy", ARRAYS["test", "images"])
    with pytest.raises(DataError, match="has no y_train; it must contain"):
        formats.read(tmp_path)


def test_a_pickle_is_never_loaded(write_data: WriteData):
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("a pickle was loaded",)

    folder = write_data("npy")
    np.save(folder / "y_train.npy", np.array([Trap()] * 60, dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"y_train\.npy has values of type object"):
        formats.read(folder)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"<html>log in", b"\x93NUMPY\x01\x00\x05\x00{[(\n\n"])
def test_what_is_no_array_is_refused(write_data: WriteData, content: bytes):
    folder = write_data("npy")
    (folder / "x_test.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"x_test\.npy is (empty|not a valid NumPy array|a web page)"):
        formats.read(folder)
