"""The messages about evaluations, comparisons and claims, in full: tests/golden/evaluation.txt."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from helpers import golden
from muslin.analysis import analyze
from muslin.design import Claim, load_design
from muslin.errors import MuslinError
from muslin.evaluation import Evaluation, compare
from muslin.evaluation.claims import check, require_measurable
from muslin.evaluation.measures import MEASURES, Facts

CNN = load_design("custom_cnn")


def evaluation(labels: list[int], probabilities: list[list[float]]) -> Evaluation:
    values = np.array(probabilities, np.float32).reshape(len(probabilities), -1)
    return Evaluation(np.array(labels, np.int64), values, ("shirt", "shoe"))


def claiming(**claim: object) -> None:
    require_measurable(CNN.model_copy(update={"claims": (Claim(says="It is good.", **claim),)}))  # type: ignore[arg-type]


HALF = [0.5, 0.5]
CASES: dict[str, Callable[[], object]] = {
    "labels and probabilities of different lengths": lambda: evaluation([0, 1], [HALF]),
    "a label outside the classes": lambda: evaluation([2], [HALF]),
    "probabilities that do not sum to 1": lambda: evaluation([0, 1], [HALF, [3.0, 1.0]]),
    "evaluations of different images": lambda: compare(evaluation([0], [HALF]), evaluation([0, 1], [HALF, HALF])),
    "an unknown measure": lambda: claiming(measure="beauty", at_least=1),
    "a misspelled measure": lambda: claiming(measure="accuracy", at_least=91),
    "a measure without its layer": lambda: claiming(measure="output_shape", equals=(1, 2, 3)),
    "a layer too many": lambda: claiming(measure="parameters", layer="conv1", at_least=1),
    "a number for a shape": lambda: claiming(measure="receptive_field", layer="conv1", equals=24),
    "a shape for a number": lambda: claiming(measure="parameters", equals=(1, 2)),
}


def test_the_wording_of_evaluation_errors() -> None:
    messages = {}
    for case, evaluate in CASES.items():
        with pytest.raises(MuslinError) as refused:
            evaluate()
        messages[case] = str(refused.value)
    golden.compare("evaluation", messages)


def test_the_wording_of_checked_claims() -> None:
    answers = {
        hits: evaluation([0] * 200, [[0.9, 0.1]] * hits + [[0.1, 0.9]] * (200 - hits)) for hits in (186, 184, 174)
    }
    facts = Facts(analyze(CNN, load_design("dense_baseline")), 54_000, answers[184], answers[174])
    texts = {
        f"claim {number}": f"{row}\nExpected: {row.expected}." for number, row in enumerate(check(CNN, facts), start=1)
    }
    texts["without an evaluation"] = str(check(CNN, Facts(analyze(CNN)))[15])
    texts["an improvement"] = str(compare(answers[186], answers[174]))
    texts |= {f"measure {name}": measure.meaning for name, measure in MEASURES.items()}
    golden.compare("claims", texts)
