from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import muslin
from muslin.data import Dataset
from muslin.evaluation.corruptions import CORRUPTIONS, SEVERITIES, Robustness, corrupt, measure_robustness


@given(
    st.sampled_from(list(CORRUPTIONS)), st.sampled_from(SEVERITIES), st.integers(8, 64), st.integers(8, 64),
    st.sampled_from((1, 3)),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_images_of_any_small_size_keep_their_shape_and_type(
    name: str, severity: int, height: int, width: int, channels: int
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, height, width, channels), dtype=np.uint8)
    spoilt = corrupt(images, name, severity)
    assert spoilt.shape == images.shape
    assert spoilt.dtype == np.uint8
    np.testing.assert_array_equal(spoilt, corrupt(images, name, severity))


@pytest.mark.parametrize("name", list(CORRUPTIONS))
def test_severities_rise(name: str, sample: Dataset) -> None:
    images = sample.test.images[:200]
    differences = [np.abs(corrupt(images, name, severity).astype(int) - images).mean() for severity in SEVERITIES]
    assert differences == sorted(differences)
    assert differences[0] > 0


def test_noise_has_the_deviation_it_says() -> None:
    gray = np.full((50, 28, 28, 1), 128, np.uint8)
    assert corrupt(gray, "noise", 3).std() == pytest.approx(24, rel=0.02)


def test_a_shift_moves_pixels_and_repeats_the_edge() -> None:
    images = np.arange(28, dtype=np.uint8)[None, None, :, None] * np.ones((20, 28, 1, 1), np.uint8)
    moved = corrupt(images, "shift", 2)[:, 14, :, 0].astype(int)
    assert {tuple(row - row.clip(0)) for row in moved} == {(0,) * 28}
    assert {int(row[14]) for row in moved} == {12, 14, 16}


def test_accuracy_is_that_of_a_loop(sample: Dataset) -> None:
    images, labels = sample.test.images, sample.test.labels

    def bright(seen: np.ndarray) -> np.ndarray:
        """A network that tells the class by the mean, badly."""
        answers = np.zeros((len(seen), 10), np.float32)
        answers[np.arange(len(seen)), seen.mean(axis=(1, 2, 3)).astype(int) // 26] = 1
        return answers

    found = measure_robustness(bright, images, labels)
    assert found is not None
    for name in CORRUPTIONS:
        for severity in SEVERITIES:
            answers = bright(corrupt(images, name, severity)).argmax(1)
            assert found.accuracy[name][severity - 1] == pytest.approx(np.mean(answers == labels))
    assert found.images == 500
    assert Robustness.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_a_run_knows_its_accuracy_on_corrupted_images(sample: Dataset, tmp_path: Path) -> None:
    run = muslin.train("dense_baseline", sample, epochs=2, out=tmp_path, progress=False)
    assert run.folder.robustness is None
    test = muslin.evaluate(run, sample, progress=False)
    found = run.folder.robustness
    assert found is not None
    assert found.clean == pytest.approx(test.accuracy)
    assert found.mean < found.clean
