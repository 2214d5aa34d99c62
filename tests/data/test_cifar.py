from pathlib import Path

import numpy as np
import pytest

from muslin.data.readers import cifar, formats
from muslin.data.reading import Reading
from muslin.errors import DataError

TRAP = b"\x80\x02cpytest\nfail\nU\x06loaded\x85R."  # fails the test if it is unpickled
RNG = np.random.default_rng(0)


def rows(count: int, labels: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, labels + 3072), dtype=np.uint8)


@pytest.fixture
def ten(tmp_path: Path) -> dict[str, np.ndarray]:
    found = {f"data_batch_{number}.bin": rows(4, 1) for number in (1, 2, 10)} | {"test_batch.bin": rows(3, 1)}
    for number in range(3, 10):
        found[f"data_batch_{number}.bin"] = rows(1, 1)
    for name, values in found.items():
        values.tofile(tmp_path / name)
    (tmp_path / "batches.meta.txt").write_text("airplane\ncar\n\n")
    return found


@pytest.fixture
def hundred(tmp_path: Path) -> dict[str, np.ndarray]:
    found = {"train.bin": rows(5, 2), "test.bin": rows(3, 2)}
    for name, values in found.items():
        values.tofile(tmp_path / name)
    (tmp_path / "fine_label_names.txt").write_text("apple\nbee\n")
    (tmp_path / "coarse_label_names.txt").write_text("fruit\ninsect\n")
    return found


def pixel(row: np.ndarray, labels: int, y: int, x: int) -> list[int]:
    return [int(row[labels + channel * 1024 + y * 32 + x]) for channel in range(3)]


def test_pixels_and_labels_are_where_the_format_puts_them(ten: dict[str, np.ndarray], tmp_path: Path):
    read = formats.read(tmp_path)
    order = [f"data_batch_{number}.bin" for number in range(1, 11)]
    whole = np.concatenate([ten[name] for name in order])
    assert read.train.images.shape == (len(whole), 32, 32, 3)
    np.testing.assert_array_equal(read.train.labels, whole[:, 0])
    for index, y, x in ((0, 0, 0), (5, 3, 7), (len(whole) - 1, 31, 30)):
        assert read.train.images[index, y, x].tolist() == pixel(whole[index], 1, y, x)
    assert read.test is not None
    assert read.test.images[2, 1, 2].tolist() == pixel(ten["test_batch.bin"][2], 1, 1, 2)
    assert read.class_names == ("airplane", "car")


@pytest.mark.parametrize(
    ("label", "column", "names"), [(None, 1, ("apple", "bee")), ("coarse", 0, ("fruit", "insect"))]
)
def test_cifar_100_has_two_labels(
    hundred: dict[str, np.ndarray], tmp_path: Path, label: str | None, column: int, names: tuple[str, ...]
):
    read = formats.read(tmp_path / "train.bin", Reading(label=label))
    np.testing.assert_array_equal(read.train.labels, hundred["train.bin"][:, column])
    assert read.train.images[4, 5, 6].tolist() == pixel(hundred["train.bin"][4], 2, 5, 6)
    assert read.class_names == names
    assert "labels are the" in read.notes[0]


def test_a_label_that_cifar_100_lacks_is_refused(hundred: dict[str, np.ndarray], tmp_path: Path):
    with pytest.raises(DataError, match="`label='size'` is not a label of CIFAR-100"):
        formats.read(tmp_path, Reading(label="size"))


def test_training_files_alone_have_no_test_images(ten: dict[str, np.ndarray], tmp_path: Path):
    (tmp_path / "test_batch.bin").unlink()
    assert formats.read(tmp_path).test is None


def test_a_missing_batch_is_named(ten: dict[str, np.ndarray], tmp_path: Path):
    (tmp_path / "data_batch_2.bin").unlink()
    with pytest.raises(DataError, match=r"has no data_batch_2\.bin"):
        formats.read(tmp_path)


@pytest.mark.parametrize("size", [3072, 1, 3074 * 2])
def test_a_file_that_is_cut_off_is_refused(ten: dict[str, np.ndarray], tmp_path: Path, size: int):
    (tmp_path / "test_batch.bin").write_bytes(bytes(size))
    with pytest.raises(DataError, match=r"not a multiple of 3,073"):
        formats.read(tmp_path)


@pytest.mark.parametrize("inside", ["", "cifar-10-batches-py"])
def test_the_python_version_is_refused_by_name_and_never_loaded(tmp_path: Path, inside: str):
    (tmp_path / inside).mkdir(exist_ok=True)
    for name in ("data_batch_1", "test_batch", "batches.meta"):
        (tmp_path / inside / name).write_bytes(TRAP)
    with pytest.raises(DataError, match=r"the Python version of CIFAR-10.*never loaded.*cifar-10-binary\.tar\.gz"):
        formats.read(tmp_path)


def test_folders_of_torchvision_are_found(ten: dict[str, np.ndarray], tmp_path: Path):
    root = tmp_path / "root" / "cifar-10-batches-bin"
    root.mkdir(parents=True)
    for path in tmp_path.glob("*.*"):
        path.rename(root / path.name)
    assert len(formats.read(tmp_path / "root").train) == 19
    assert cifar.found(tmp_path) == []
