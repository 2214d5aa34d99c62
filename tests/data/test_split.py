import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from muslin.data import Dataset, Split
from muslin.data.split import draw, groups_of, stratified
from muslin.errors import DataError


def numbered(labels: np.ndarray) -> Split:
    """Images whose pixels tell their index."""
    pixels = np.arange(len(labels), dtype="<u4").view(np.uint8).reshape(-1, 2, 2, 1)
    return Split(pixels, labels.astype(np.int64))


def indices(split: Split) -> list[int]:
    return np.ascontiguousarray(split.images).reshape(-1).view("<u4").tolist()


def test_the_indices_are_those_of_scikit_learn():
    labels = np.random.default_rng(1).integers(0, 7, 500)
    stays, drawn = stratified(numbered(labels), 0.1, 42)
    expected = train_test_split(np.arange(500), test_size=0.1, random_state=42, stratify=labels)
    assert indices(stays) == expected[0].tolist()
    assert indices(drawn) == expected[1].tolist()


@given(st.lists(st.integers(10, 60), min_size=2, max_size=5), st.integers(0, 2**32 - 1))
def test_every_image_lands_on_one_side_and_every_class_gives_its_share(per_class: list[int], seed: int):
    labels = np.repeat(np.arange(len(per_class)), per_class)
    stays, drawn = stratified(numbered(labels), 0.2, seed)
    assert sorted(indices(stays) + indices(drawn)) == list(range(len(labels)))
    np.testing.assert_allclose(np.bincount(drawn.labels), 0.2 * np.array(per_class), atol=1)


def test_data_say_how_many_images_they_hold_and_of_what_shape(sample: Dataset):
    assert repr(sample.train) == "Split(1,800 images of 28×28×1)"
    sizes = "1,800 train, 200 validation, 500 test"
    assert repr(sample) == f"Dataset({sizes} images of 28×28×1, 10 classes, from {sample.source})"


def test_the_sample_is_split_90_to_10_with_equal_classes(sample: Dataset):
    assert np.bincount(sample.train.labels).tolist() == [180] * 10
    assert np.bincount(sample.validation.labels).tolist() == [20] * 10


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5])
def test_a_fraction_that_leaves_a_side_empty_is_refused(fraction: float):
    with pytest.raises(DataError, match=f"`validation_fraction={fraction}` must be between 0 and 1"):
        stratified(numbered(np.zeros(10)), fraction, 0)


def test_too_few_images_for_both_sides_are_refused_in_words():
    with pytest.raises(DataError, match="class 1 has only one training image"):
        stratified(numbered(np.array([0, 0, 0, 0, 1])), 0.1, 42)
    with pytest.raises(DataError, match=r"4 training images of 2 classes cannot be split into .* 90% for validation"):
        stratified(numbered(np.array([0, 0, 1, 1])), 0.9, 42)


def test_a_fraction_too_small_for_the_classes_draws_one_image_of_each():
    stays, drawn = stratified(numbered(np.repeat(np.arange(26), 4)), 0.1, 42)
    assert sorted(drawn.labels) == list(range(26))
    assert len(stays) == 78


@pytest.mark.parametrize("fraction", [0.1, 0.3])
def test_groups_stay_together(fraction: float):
    groups = [f"g{number % 20}" for number in range(200)]
    stays, drawn = draw(np.arange(200) // 100, fraction, 0, groups=groups)
    assert {groups[index] for index in stays}.isdisjoint(groups[index] for index in drawn)
    assert abs(len(drawn) - 200 * fraction) <= 20
    assert sorted([*stays, *drawn]) == list(range(200))


def test_groups_are_read_from_names():
    items = ["cat/patient12_3.png", "dog/patient7_1.png"]
    assert groups_of(items, r"patient(\d+)", "train") == ["12", "7"]
    assert groups_of(items, r"patient\d+", "train") == ["patient12", "patient7"]
    assert groups_of(items, None, "train") is None
    with pytest.raises(DataError, match=r"does not match the names of 1 image of 2, such as 'dog/patient7_1\.png'"):
        groups_of(items, "patient1", "train")
    with pytest.raises(DataError, match="have none"):
        groups_of([], "x", "train")
