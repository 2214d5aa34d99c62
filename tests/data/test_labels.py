from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.tiny import WriteData
from muslin.data import Dataset, load_data
from muslin.data.contents import Contents, Labels, Part
from muslin.data.labels import Numbered, number, ordered
from muslin.data.places.official import CLASS_NAMES
from muslin.data.places.sources import find_sample
from muslin.errors import DataError


def part(labels: list[int] | list[str] | Labels, name: str = "train.labels") -> Part:
    return Part(np.zeros((len(labels), 1, 1, 1), np.uint8), np.array(labels), name)


def contents(
    train: list[int] | list[str],
    test: list[int] | list[str] | None = None,
    names: tuple[str, ...] | None = None,
) -> Contents:
    return Contents(part(train), part(train if test is None else test, "test.labels"), class_names=names)


def labels(numbered: Numbered) -> list[list[int]]:
    return [each.tolist() for each in numbered.labels]


def test_fashion_mnist_has_its_ten_names(sample: Dataset) -> None:
    assert sample.class_names == CLASS_NAMES


def test_fashion_mnist_is_known_by_its_images_in_any_order_and_any_subset() -> None:
    train = find_sample().contents.train
    some = np.random.default_rng(0).permutation(np.flatnonzero(np.isin(train.labels, [3, 5, 8])))[:100]
    found = number(Contents(train.subset(some), train.subset(some[:20])))
    assert found.names == ("Dress", "Sandal", "Bag")


def test_fashion_mnist_with_other_labels_is_not_named_as_fashion_mnist() -> None:
    train = find_sample().contents.train
    turned = Part(train.images, 9 - train.labels, "turned")
    assert number(Contents(turned, turned)).names[0] == "class 0"


def test_other_idx_files_are_not_taken_for_fashion_mnist(write_data: WriteData) -> None:
    assert load_data(write_data("idx")).class_names == ("class 0", "class 1", "class 2")


def test_names_in_the_files_are_used() -> None:
    assert number(contents([0, 1], names=("cat", "dog"))).names == ("cat", "dog")


@pytest.mark.parametrize("names", [("ant", "bee"), ["ant", "bee"], "ant,bee", " ant , bee "])
def test_names_given_go_before_all_others(names: str | list[str] | tuple[str, ...]) -> None:
    assert number(contents([0, 1], names=("cat", "dog")), names).names == ("ant", "bee")


@given(st.lists(st.integers(-5, 40), min_size=2, max_size=60).filter(lambda found: len(set(found)) > 1))
@settings(max_examples=60)
def test_classes_are_the_labels_that_occur_in_their_order(found: list[int]) -> None:
    numbered = number(contents(found))
    assert numbered.names == tuple(f"class {label}" for label in sorted(set(found)))
    assert [numbered.names[each] for each in numbered.labels[0]] == [f"class {label}" for label in found]


def test_labels_with_a_gap_take_a_name_each_or_one_for_every_number() -> None:
    letters = contents([0, 1, 3], [3, 1, 0])
    short, long = number(letters, "A,B,D"), number(letters, "A,B,C,D")
    assert short.names == long.names == ("A", "B", "D")
    assert labels(short) == labels(long) == [[0, 1, 2], [2, 1, 0]]
    assert short.notes == ()
    assert long.notes == ("no training image is of the class 'C', which was left out",)


def test_labels_from_one_have_no_class_zero() -> None:
    assert number(contents([1, 2, 3])).names == ("class 1", "class 2", "class 3")
    assert number(contents([1, 2, 3]), "A,B,C").names == ("A", "B", "C")


def test_text_labels_are_the_names() -> None:
    found = number(contents(["dog", "cat"], ["cat", "cat"]))
    assert found.names == ("cat", "dog")
    assert labels(found) == [[1, 0], [0, 0]]
    assert found.notes == ("no test image is of the class dog; it has no figures and counts in no mean",)


def test_the_same_names_given_in_another_order_decide_the_order_alone() -> None:
    found = number(contents(["dog", "cat", "emu"]), "emu,dog,cat")
    assert found.names == ("emu", "dog", "cat")
    assert labels(found)[0] == [1, 2, 0]


def test_text_that_holds_numbers_is_ordered_by_value() -> None:
    assert ordered(np.array(["10", "9", "1"])).tolist() == ["1", "9", "10"]
    assert ordered(np.array(["10", "9", "a"])).tolist() == ["10", "9", "a"]


def test_names_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("Ant, small\nBee\n\n")
    for given_path in (path, str(path)):
        assert number(contents([0, 1]), given_path).names == ("Ant, small", "Bee")


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ([0, 1, 2], [0, 3], r"test\.labels has the label 3 \(first in row 2\), which no training image in"),
        ([0, 1], [0, -1], r"test\.labels has the label -1 \(first in row 2\)"),
        (["cat", "dog"], ["dog", "emu"], r"test\.labels has the label emu .* the training labels are cat, dog"),
        (["cat", "dog"], [0, 1], r"test\.labels has labels such as 0, but train\.labels has labels such as cat"),
    ],
)
def test_a_label_without_training_images_is_named(
    train: list[int] | list[str], test: list[int] | list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        number(contents(train, test))


def test_names_that_fit_no_number_of_classes_are_refused() -> None:
    with pytest.raises(DataError, match=r"train\.labels has 3 classes \(0, 1, 2\), but `classes=` has 2 names"):
        number(contents([0, 1, 2]), "a,b")
    with pytest.raises(DataError, match=r"has 3 classes \(0, 1, 2\), but the files name 2"):
        number(contents([0, 1, 2], names=("a", "b")))
    with pytest.raises(DataError, match=r"has 2 classes \(cat, dog\), but `classes=` has 3 names"):
        number(contents(["cat", "dog"]), "a,b,c")


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(DataError, match="one class only"):
        number(contents([0, 0, 0]))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("a,b,a", "the name 'a' twice"),
        ("a,,b", "none may be empty"),
        (["lonely"], "at least two"),
        ("nowhere.txt", "`classes=` is 'nowhere.txt', which cannot be read as a file"),
    ],
)
def test_unusable_names_are_refused(names: str | list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        number(contents([0, 1]), names)


def test_a_file_that_is_no_list_of_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="is not UTF-8"):
        number(contents([0, 1]), path)
