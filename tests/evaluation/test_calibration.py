"""Calibration, held against a loop written from the paper's definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muslin.evaluation import Evaluation, calibrate, wilson


def expected_calibration_error(confidences: list[float], right: list[bool], bins: int) -> float:
    """Guo et al. 2017, equations 1–3, word for word."""
    total = 0.0
    for m in range(1, bins + 1):
        members = [
            i
            for i, confidence in enumerate(confidences)
            if (m - 1) / bins < confidence <= m / bins or (confidence == 0 and m == 1)
        ]
        if members:
            accuracy = sum(right[i] for i in members) / len(members)
            confidence = sum(confidences[i] for i in members) / len(members)
            total += len(members) / len(confidences) * abs(accuracy - confidence)
    return total


answers = st.lists(st.tuples(st.one_of(st.floats(0, 1), st.integers(0, 15).map(lambda m: m / 15)), st.booleans()))


@given(answers.filter(bool), st.sampled_from([1, 10, 15]))
def test_the_error_is_the_papers(pairs: list[tuple[float, bool]], bins: int) -> None:
    confidences, right = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    calibration = calibrate(np.array(confidences), np.array(right), bins=bins)
    assert calibration.error == pytest.approx(expected_calibration_error(confidences, right, bins), abs=1e-12)
    assert sum(part.images for part in calibration.bins) == len(pairs)


def test_a_bin_tells_its_images_their_confidence_and_accuracy_with_an_interval() -> None:
    calibration = calibrate(np.array([0.9, 0.92, 0.5]), np.array([True, False, True]), bins=10)
    assert [part.images for part in calibration.bins] == [0, 0, 0, 0, 1, 0, 0, 0, 1, 1]
    assert calibration.bins[4].high == 0.5
    assert calibration.bins[9].confidence == pytest.approx(0.92)
    assert calibration.bins[9].interval == wilson(0, 1)
    assert calibration.bins[0].confidence == pytest.approx(0.05)


def test_answers_as_right_as_they_are_sure_have_no_error() -> None:
    calibration = calibrate(np.full(4, 0.75), np.array([True, True, True, False]))
    assert calibration.error == 0


def test_an_evaluation_is_calibrated_on_its_own_predictions() -> None:
    probabilities = np.array([[0.8, 0.2], [0.4, 0.6]], np.float32)
    calibration = Evaluation(np.array([0, 0]), probabilities, ("a", "b")).calibration
    assert calibration.error == pytest.approx((0.2 + 0.6) / 2)
    assert len(calibration.bins) == 15
