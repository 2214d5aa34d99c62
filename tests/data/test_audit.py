import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.tiny import files_of
from muslin.data import Audit, Dataset, Split, load_data
from muslin.data.audit import audit
from muslin.data.files import Files
from muslin.data.places import official
from muslin.data.places.sources import find_sample
from muslin.errors import LeakError


def files(train: list[int], test: list[int]) -> Files:
    """Images of one pixel each, given by its brightness."""
    train_split, test_split = (
        Split(np.array(pixels, np.uint8).reshape(-1, 1, 1, 1), np.zeros(len(pixels), np.int64))
        for pixels in (train, test)
    )
    return Files(train_split, test_split, "train", "test")


def audited(given: Files, *, allow_leak: bool = False) -> Audit:
    return audit(given, {"train": given.train, "test": given.test}, classes=10, allow_leak=allow_leak)


pixels = st.lists(st.integers(0, 12), min_size=1, max_size=30)


@given(pixels, pixels)
@settings(max_examples=50)
def test_duplicates_are_those_a_brute_force_loop_finds(train: list[int], test: list[int]):
    found = audited(files(train, test), allow_leak=True)
    assert found.duplicates_in_train == sum(pixel in train[:index] for index, pixel in enumerate(train))
    assert found.duplicates_in_test == sum(pixel in test[:index] for index, pixel in enumerate(test))
    assert found.test_images_in_train == sum(pixel in train for pixel in test)


@given(pixels)
def test_mean_and_deviation_are_numpys(train: list[int]):
    found = audited(files(train, [255]), allow_leak=True)
    np.testing.assert_allclose(found.pixel_mean, np.mean(train) / 255, atol=1e-12)
    np.testing.assert_allclose(found.pixel_deviation, np.std(train) / 255, atol=1e-7)


def test_one_test_image_in_a_hundred_may_repeat_a_training_image_and_a_second_is_a_leak():
    train, test = [0, 1, 2], [100] * 98
    assert audited(files(train, [*test, 100, 0])).leak is None
    with pytest.raises(LeakError, match=r"2 of the 100 test images \(2\.0%\).*`allow_leak=True`"):
        audited(files(train, [*test, 0, 1]))


def test_an_allowed_leak_is_remembered():
    found = audited(files([0, 1], [0, 1]), allow_leak=True)
    assert found.leak_allowed
    assert found.leak == ("2 of the 2 test images (100.0%) are exact copies of training images; at most 1% is allowed.")


def test_allowing_a_leak_where_there_is_none_leaves_no_mark():
    assert not audited(files([0], [1]), allow_leak=True).leak_allowed


@pytest.mark.parametrize(("train", "test"), [("official", "earlier"), ("earlier", "official"), ("earlier", "sample")])
def test_training_on_one_release_and_testing_on_the_other_is_refused(
    train: official.Release, test: official.Release, monkeypatch: pytest.MonkeyPatch
):
    given = files([0, 1, 2], [3, 4])
    monkeypatch.setattr("muslin.data.audit.release_of", lambda split: train if split is given.train else test)
    with pytest.raises(LeakError, match="splits overlap"):
        audited(given)
    assert audited(given, allow_leak=True).leak_allowed


def test_the_sample_does_not_leak_into_its_own_test_images_nor_the_official_ones(monkeypatch: pytest.MonkeyPatch):
    given = files_of(find_sample().contents)
    assert audited(given).leak is None
    monkeypatch.setattr("muslin.data.audit.release_of", lambda split: "sample" if split is given.train else "official")
    assert audited(given).leak is None


def test_a_release_is_told_by_its_labels_in_file_order(sample: Dataset):
    given = files_of(find_sample().contents)
    assert official.release_of(given.train) == official.release_of(given.test) == "sample"
    assert official.release_of(given.train.subset(np.arange(2000)[::-1])) == "unknown"
    assert official.release_of(Split(given.train.images, given.train.labels + 300)) == "unknown"


def test_the_sample_is_counted(sample: Dataset):
    found = sample.audit
    assert found.counts == {"train": (180,) * 10, "validation": (20,) * 10, "test": (50,) * 10}
    assert (found.duplicates_in_train, found.duplicates_in_test, found.test_images_in_train) == (0, 0, 0)
    assert not found.verified


def test_an_audit_survives_json(sample: Dataset):
    assert Audit.model_validate(json.loads(json.dumps(sample.audit.model_dump(mode="json")))) == sample.audit


def test_seventy_thousand_images_are_looked_over_within_seconds():
    rng = np.random.default_rng(0)
    train, test = (
        Split(rng.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8), rng.integers(0, 10, count))
        for count in (60_000, 10_000)
    )
    started = time.perf_counter()
    audited(Files(train, test, "train", "test"))
    assert time.perf_counter() - started < 5  # half a second on an idle machine


def test_the_official_release_is_verified_whatever_format_it_comes_in(official_files: Files, tmp_path):
    path = tmp_path / "official.npz"
    given = official_files
    np.savez(
        path,
        x_train=given.train.images,
        y_train=given.train.labels,
        x_test=given.test.images,
        y_test=given.test.labels,
    )
    found = load_data(path)
    assert found.audit.verified
    assert found.class_names[0] == "T-shirt/top"
    assert found.audit.pixel_mean == pytest.approx(0.2860, abs=5e-5)
    assert found.audit.pixel_deviation == pytest.approx(0.3530, abs=5e-5)
    assert found.audit.counts["validation"] == (600,) * 10


def test_one_changed_pixel_of_the_official_release_is_noticed(official_files: Files):
    changed = official_files.test.images.copy()
    changed[1234, 5, 6] ^= 1
    given = Files(official_files.train, Split(changed, official_files.test.labels), "train", "test")
    found = audited(given)
    assert found.test_release == "official"
    assert not found.verified
    assert list(official.strangers(given)) == ["t10k-images-idx3-ubyte"]


def test_reshuffled_splits_of_the_official_images_leak(official_files: Files):
    images = np.concatenate([official_files.train.images, official_files.test.images])
    labels = np.concatenate([official_files.train.labels, official_files.test.labels])
    order = np.random.default_rng(0).permutation(70_000)[:60_000]
    given = Files(Split(images[order], labels[order]), official_files.test, "train", "test")
    with pytest.raises(LeakError, match=r"of the 10,000 test images \(8\d\.\d%\)"):
        audited(given)
