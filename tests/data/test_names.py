from pathlib import Path

import numpy as np
import pytest
from muslin.data.names import class_names

from helpers.tiny import WriteData
from muslin.data import Dataset, Split, load_data
from muslin.data.official import CLASS_NAMES
from muslin.data.sources import find_sample
from muslin.data.split import Files
from muslin.errors import DataError


def files(
    train: list[int], test: list[int] | None = None, names: tuple[str, ...] | None = None, most: int | None = None
):
    train_split, test_split = (
        Split(np.zeros((len(labels), 1, 1, 1), np.uint8), np.array(labels, np.int64)) for labels in (train, test or [0])
    )
    return Files(train_split, test_split, "train.labels", "test.labels", names, most)


def test_fashion_mnist_has_its_ten_names(sample: Dataset):
    assert sample.class_names == CLASS_NAMES


def test_other_idx_files_are_not_taken_for_fashion_mnist(write_data: WriteData):
    assert load_data(write_data("idx")).class_names == ("class 0", "class 1", "class 2")


def test_names_in_the_files_are_used():
    assert class_names(files([0, 1], names=("cat", "dog"))) == ("cat", "dog")


@pytest.mark.parametrize("given", [("ant", "bee"), ["ant", "bee"], "ant,bee", " ant , bee "])
def test_names_given_go_before_all_others(given):
    assert class_names(files([0, 1], names=("cat", "dog")), given) == ("ant", "bee")


def test_names_given_may_leave_room_for_classes_without_images():
    assert class_names(files([0, 2]), "a,b,c,d") == ("a", "b", "c", "d")


def test_names_may_stand_in_a_file(tmp_path: Path):
    path = tmp_path / "names.txt"
    path.write_text("Ant, small\nBee\n\n")
    assert class_names(files([0, 1]), path) == class_names(files([0, 1]), str(path)) == ("Ant, small", "Bee")


@pytest.mark.parametrize(
    ("train", "test", "most", "message"),
    [
        (
            [0, 1, 12],
            [0],
            10,
            r"train\.labels: label 12 in row 3 is outside 0–9\. Check that the file belongs to a 10-class",
        ),
        (
            [0, 1, 2],
            [0, 3],
            10,
            r"test\.labels: label 3 in row 2 is outside 0–2\. .*3-class data set, or pass `classes=`",
        ),
        ([0, 1, 5], [0], None, r"train\.labels: label 5 in row 3 is outside 0–2"),
        ([0, -1, 1], [0], None, r"train\.labels: label -1 in row 2 is outside 0–2"),
    ],
)
def test_a_label_outside_the_classes_is_named_by_its_row(
    train: list[int], test: list[int], most: int | None, message: str
):
    with pytest.raises(DataError, match=message):
        class_names(files(train, test, most=most))


def test_too_few_names_given_are_refused():
    with pytest.raises(DataError, match=r"label 2 in row 3 is outside 0–1\. `classes=` has 2 names"):
        class_names(files([0, 1, 2]), "a,b")


def test_too_few_names_in_the_files_are_refused():
    with pytest.raises(DataError, match=r"label 2 in row 3 is outside 0–1\. The training files name 2 classes"):
        class_names(files([0, 1, 2], names=("a", "b")))


def test_a_known_release_beside_labels_from_elsewhere_is_refused():
    known = find_sample().files.train
    stranger = Split(known.images[:2], np.array([3, 11], np.int64))
    with pytest.raises(DataError, match=r"test\.labels: label 11 in row 2 .* must be from another data set"):
        class_names(Files(known, stranger, "train.labels", "test.labels"))


def test_one_class_alone_is_refused():
    with pytest.raises(DataError, match="one class only"):
        class_names(files([0, 0, 0]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a,b,a", "the name 'a' twice"),
        ("a,,b", "none may be empty"),
        (["lonely"], "at least two"),
        ("nowhere.txt", "`classes=` is 'nowhere.txt', which cannot be read as a file"),
    ],
)
def test_unusable_names_are_refused(given: str, message: str):
    with pytest.raises(DataError, match=message):
        class_names(files([0, 1]), given)


def test_a_file_that_is_no_list_of_names_is_refused(tmp_path: Path):
    path = tmp_path / "names"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="is not UTF-8"):
        class_names(files([0, 1]), path)
