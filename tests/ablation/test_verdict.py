from __future__ import annotations

import pytest

from muslin.ablation.statistics import paired_effect
from muslin.ablation.verdict import Costs, judge, judge_failure

CHOICE = Costs(100, 1_000, 10.0, 0.001)


@pytest.mark.parametrize(
    ("differences", "kind"),
    [
        ([1.0, 1.1, 0.9], "supported"),
        ([-1.0, -1.1, -0.9], "contradicted"),
        ([0.01, -0.01, 0.0], "equivalent"),
        ([1.0, -1.0, 0.3], "undecided"),
        ([0.05, 0.06, 0.07], "equivalent"),  # clear, and too small to matter
    ],
)
def test_the_interval_decides(differences: list[float], kind: str) -> None:
    assert judge(paired_effect(differences), CHOICE, CHOICE).kind == kind


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (Costs(200, 1_000, 10.0, 0.001), "supported by cost"),
        (Costs(50, 1_000, 10.0, 0.001), "costs more for nothing"),
        (Costs(50, 2_000, 10.0, 0.001), "equivalent"),
        (Costs(100, 1_000, 10.5, 0.00105), "equivalent"),  # times that differ by 5 % don't
        (Costs(100, 1_000, 20.0, 0.001), "supported by cost"),
        (Costs(100, 1_000), "equivalent"),
    ],
)
def test_where_accuracy_is_the_same_cost_decides(other: Costs, kind: str) -> None:
    assert judge(paired_effect([0.01, -0.01, 0.0]), CHOICE, other).kind == kind


def test_an_undecided_verdict_says_how_many_seeds_are_missing() -> None:
    verdict = judge(paired_effect([0.1, 0.5, -0.2, 0.6, 0.1]), CHOICE, CHOICE)
    assert verdict.open
    assert verdict.more_seeds is not None
    assert f"about {verdict.more_seeds} more seeds" in verdict.text


def test_failed_trials_are_told() -> None:
    verdict = judge(paired_effect([1.0, 1.1]), CHOICE, CHOICE, failures=["diverged: at step 3", "diverged: at step 4"])
    assert verdict.text == "supported; 2 trials failed (diverged)"
    assert judge_failure([], ["diverged: at step 3"], 0).text == (
        "the alternative does not train: 1 trial failed (diverged)"
    )
    assert judge_failure(["diverged: x"], ["diverged: x"], 0).text.startswith("the choice does not train")
    assert judge_failure([], [], 1).open
