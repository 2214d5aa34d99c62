"""Every figure of an evaluation, held against scikit-learn, torch or a plain loop."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support, recall_score

from muslin.errors import RunError
from muslin.evaluation import Evaluation, wilson

NAMES = ("shirt", "shoe", "bag", "coat")


@st.composite
def evaluations(draw: st.DrawFn) -> Evaluation:
    images = draw(st.integers(1, 60))
    labels = draw(arrays(np.int64, images, elements=st.integers(0, len(NAMES) - 1)))
    logits = draw(arrays(np.float32, (images, len(NAMES)), elements=st.floats(-8, 8, width=32)))
    return Evaluation(labels, torch.softmax(torch.from_numpy(logits), dim=1).numpy(), NAMES)


def made_of(labels: list[int], predictions: list[int], confidence: float = 0.7, classes: int = 4) -> Evaluation:
    rest = (1 - confidence) / (classes - 1)
    probabilities = np.full((len(labels), classes), rest, np.float32)
    probabilities[np.arange(len(labels)), predictions] = confidence
    return Evaluation(np.array(labels, np.int64), probabilities, NAMES[:classes])


@given(evaluations())
def test_accuracy_loss_and_confusion_are_those_of_scikit_learn(evaluation: Evaluation) -> None:
    labels, predictions = evaluation.labels, evaluation.predictions
    assert evaluation.accuracy == pytest.approx(accuracy_score(labels, predictions))
    probabilities = evaluation.probabilities.astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    assert evaluation.loss == pytest.approx(log_loss(labels, probabilities, labels=range(4)), abs=1e-5)
    np.testing.assert_array_equal(evaluation.confusion, confusion_matrix(labels, predictions, labels=range(4)))


@given(evaluations())
def test_per_class_figures_and_averages_are_those_of_scikit_learn(evaluation: Evaluation) -> None:
    present = np.unique(evaluation.labels)

    def theirs(average: str | None) -> tuple[np.ndarray, ...]:
        result: tuple[np.ndarray, ...] = precision_recall_fscore_support(
            evaluation.labels, evaluation.predictions, labels=present, average=average, zero_division=0
        )
        return result

    ours = [(row.precision, row.recall, row.f1, row.support) for row in evaluation.per_class]
    np.testing.assert_allclose(np.array(ours).T, theirs(None))
    for average, values in (("macro", evaluation.macro), ("weighted", evaluation.weighted)):
        np.testing.assert_allclose([values.precision, values.recall, values.f1], theirs(average)[:3])
    assert evaluation.balanced_accuracy == pytest.approx(
        recall_score(evaluation.labels, evaluation.predictions, labels=present, average="macro")
    )
    assert evaluation.untested == tuple(NAMES[number] for number in range(4) if number not in present)


def test_a_class_without_images_has_no_figures_and_counts_in_no_mean() -> None:
    evaluation = made_of([0, 0, 1], [0, 2, 1])
    assert [row.name for row in evaluation.per_class] == list(NAMES[:2])
    assert evaluation.untested == NAMES[2:]
    assert evaluation.macro.recall == pytest.approx(0.75)
    assert any(NAMES[2] in said and "not counted" in said for said in evaluation.cautions)


def test_a_network_that_only_says_one_class_is_called_one() -> None:
    evaluation = made_of([0] * 8 + [1] * 2, [0] * 10, classes=2)
    assert evaluation.only_answer == NAMES[0]
    assert evaluation.largest_class == (NAMES[0], 0.8)
    assert f"predicted as {NAMES[0]}" in evaluation.cautions[0]
    assert made_of([0] * 8 + [1] * 2, [0] * 9 + [1], classes=2).only_answer is None


def test_the_share_of_the_largest_class_stands_beside_the_accuracy() -> None:
    guessing = made_of([0] * 8 + [1] * 2, [0] * 8 + [1, 0], classes=2)
    assert "80.00%" in guessing.cautions[0]
    assert "not clearly above" in guessing.cautions[0]
    assert made_of([0, 1] * 20, [0, 1] * 20, classes=2).cautions == ()


def test_the_loss_is_torchs_cross_entropy_even_for_answers_that_are_sure_and_wrong() -> None:
    logits = torch.tensor([[40.0, 0.0, 0.0, 0.0], [0.0, 1.0, -60.0, 0.0]])
    labels = torch.tensor([1, 2])
    evaluation = Evaluation(labels.numpy(), torch.softmax(logits, dim=1).numpy(), NAMES)
    assert evaluation.loss == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-6)


def test_a_probability_of_zero_costs_much_but_not_infinitely() -> None:
    evaluation = Evaluation(np.array([1]), np.array([[1, 0, 0, 0]], np.float32), NAMES)
    assert evaluation.loss == pytest.approx(87.34, abs=0.01)


def test_the_accuracy_interval_is_wilsons() -> None:
    evaluation = made_of([0] * 50, [0] * 45 + [1] * 5)
    assert evaluation.accuracy_interval == wilson(45, 50)
    assert evaluation.per_class[0].recall_interval == wilson(45, 50)


def test_the_top_confusions_come_most_frequent_first_and_never_name_a_right_answer() -> None:
    evaluation = made_of([0] * 6 + [1] * 4 + [2], [0, 0, 0, 1, 1, 3, 1, 1, 0, 0, 2])
    first, second, third = evaluation.top_confusions(10)
    assert (first.true, first.predicted, first.images) == ("shirt", "shoe", 2)
    assert first.share == pytest.approx(2 / 6)
    assert (second.true, second.predicted, second.images, second.share) == ("shoe", "shirt", 2, 0.5)
    assert (third.true, third.predicted, third.images) == ("shirt", "coat", 1)
    assert evaluation.top_confusions(1) == (first,)


def test_the_confidently_wrong_are_wrong_and_sorted_by_confidence() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]], np.float32)
    evaluation = Evaluation(np.array([0, 1, 0, 1, 1]), probabilities, NAMES[:2])
    assert evaluation.confidently_wrong(3).tolist() == [2, 3, 1]
    assert evaluation.confidently_wrong().tolist() == [2, 3, 1, 4]
    assert made_of([0, 1], [0, 1]).confidently_wrong().size == 0


@given(evaluations())
def test_the_summary_is_json_that_says_what_the_evaluation_says(evaluation: Evaluation) -> None:
    summary = json.loads(json.dumps(evaluation.summary(), allow_nan=False))
    assert summary["accuracy"] == evaluation.accuracy
    assert summary["accuracy_interval"] == list(evaluation.accuracy_interval)
    assert [row["support"] for row in summary["per_class"]] == [row.support for row in evaluation.per_class]
    assert sum(map(sum, summary["confusion"])) == summary["images"] == len(evaluation.labels)
    assert sum(row["images"] for row in summary["calibration"]["bins"]) == summary["images"]


@pytest.mark.parametrize(
    ("labels", "probabilities", "complaint"),
    [
        ([], np.zeros((0, 2)), "at least one image"),
        ([0, 1], [[0.5, 0.5]], "labels of shape"),
        ([0], [[0.2, 0.3, 0.5]], "2 probabilities"),
        ([2], [[0.5, 0.5]], "labels from 2 to 2 do not fit 2 classes"),
        ([-1], [[0.5, 0.5]], "labels from -1"),
        ([0, 0], [[0.5, 0.5], [np.nan, np.nan]], "probabilities of image 1"),
        ([0], [[1.5, -0.5]], "at least 0"),
        ([0], [[3.0, 1.0]], "sum to 1"),
    ],
)
def test_what_is_no_evaluation_is_refused(labels: list[int], probabilities: list[list[float]], complaint: str) -> None:
    with pytest.raises(RunError, match=complaint):
        Evaluation(np.array(labels, np.int64), np.array(probabilities, np.float32), NAMES[:2])
