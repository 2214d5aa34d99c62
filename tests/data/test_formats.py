from pathlib import Path

import numpy as np
import pytest

from helpers.tiny import WriteData
from muslin.data.readers import formats
from muslin.errors import DataError


@pytest.mark.parametrize("kind", ["idx", "csv", "parquet", "npz", "folder"])
def test_a_path_is_told_by_what_is_there(write_data: WriteData, kind: str):
    assert len(formats.read(write_data(kind)).train) == 60


def test_a_folder_with_one_npz_file_means_that_file(write_data: WriteData):
    assert len(formats.read(write_data("npz").parent).train) == 60


def test_a_file_of_a_set_means_the_set(write_data: WriteData):
    folder = write_data("csv")
    for other in write_data("parquet").iterdir():
        other.rename(folder / other.name)
    with pytest.raises(DataError, match="more than one data set: CSV, Parquet"):
        formats.read(folder)
    read = formats.read(folder / "fashion-mnist_test.csv")
    assert read.train.name == "fashion-mnist_train.csv"


def test_a_folder_that_holds_nothing_known_lists_what_was_looked_for(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError) as caught:
        formats.read(tmp_path)
    for looked_for in ("train-images-idx3-ubyte", "x_train", "fashion-mnist_train.csv", ".parquet", "train/ and test/"):
        assert looked_for in str(caught.value)


def test_a_file_that_is_nothing_known_is_refused(tmp_path: Path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"x")
    np.savez(tmp_path / "other.npz", a=1)
    with pytest.raises(DataError, match=r"weights\.bin contains no data"):
        formats.read(path)


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="does not exist"):
        formats.read(tmp_path / "nowhere")


@pytest.mark.parametrize("kind", ["npy", "cifar", "mat", "plain mat"])
def test_further_formats_are_told_by_what_is_there(write_data: WriteData, kind: str):
    folder = write_data(kind)
    assert len(formats.read(folder).train) == 60
    assert len(formats.read(min(folder.iterdir())).train) == 60


@pytest.mark.parametrize("inside", ["MNIST/raw", "raw", "FashionMNIST/raw"])
def test_data_are_found_one_or_two_folders_down(write_data: WriteData, tmp_path: Path, inside: str):
    root = tmp_path / "root"
    (root / inside).parent.mkdir(parents=True)
    write_data("idx").rename(root / inside)
    assert len(formats.read(root).train) == 60


def test_several_folders_with_data_are_refused_with_their_names(write_data: WriteData, tmp_path: Path):
    for name in ("MNIST", "KMNIST"):
        (tmp_path / "root" / name).mkdir(parents=True)
        write_data("idx").rename(tmp_path / "root" / name / "raw")
    with pytest.raises(DataError, match=r"several folders with data: KMNIST/raw and MNIST/raw\. Pass the intended one"):
        formats.read(tmp_path / "root")
