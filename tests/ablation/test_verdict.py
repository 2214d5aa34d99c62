from __future__ import annotations

import pytest

from muslin.ablation.statistics import Effect, paired_effect, seeds_needed
from muslin.ablation.verdict import Costs, Verdict, judge, judge_failure
from muslin.evaluation import Interval

NO_DIFFERENCE = paired_effect([0.01, -0.01, 0.0])
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


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (Costs(101, 1_000, 11.0, 0.0011), "points"),  # exactly as much more as does not count yet
        (Costs(102, 1_000, 11.5, 0.0012), "(parameters, training time, latency)"),
        (Costs(99, 900, 9.0, 0.0009), "(parameters, MACs, training time, latency)"),
        (Costs(98, 900, 11.5, 0.0012), "lower cost in parameters and MACs, higher in training time and latency"),
    ],
)
def test_the_costs_that_decide_are_named(chosen: Costs, words: str) -> None:
    assert judge(NO_DIFFERENCE, chosen, CHOICE).text.endswith(words)


def test_exactly_as_much_less_as_does_not_count_yet_is_no_saving() -> None:
    assert judge(NO_DIFFERENCE, CHOICE, Costs(101, 1_010, 11.0, 0.0011)).kind == "equivalent"


def test_failed_trials_are_told_beside_a_verdict_by_cost() -> None:
    verdict = judge(NO_DIFFERENCE, CHOICE, CHOICE, failures=["lost: no heartbeat"])
    assert verdict.text.endswith("; 1 trial failed (lost)")


def interval(low: float, high: float) -> Effect:
    """An effect of which only the interval and, for the seeds needed, mean and deviation matter."""
    return Effect((0.0,) * 5, (low + high) / 2, 1.0, Interval(low, high), None, 0.5)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 0.0), (-0.2, 0.1), (-0.1, 0.2)])
def test_an_interval_that_touches_a_boundary_is_not_beyond_it(low: float, high: float) -> None:
    assert judge(interval(low, high), CHOICE, CHOICE).kind == "undecided"


def test_a_stricter_level_asks_for_more_seeds() -> None:
    effect = paired_effect([0.1, 0.5, -0.2, 0.6, 0.1])
    for alpha in (0.05, 0.001):
        needed = seeds_needed(effect, 0.2, alpha=alpha)
        assert needed is not None
        assert judge(effect, CHOICE, CHOICE, alpha=alpha).more_seeds == needed - 5
    assert seeds_needed(effect, 0.2, alpha=0.001) > seeds_needed(effect, 0.2)  # type: ignore[operator]


@pytest.mark.parametrize(("more", "words"), [(1, "about 1 more seed"), (2, "about 2 more seeds")])
def test_seeds_are_counted_in_words_that_agree(more: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muslin.ablation.verdict.seeds_needed", lambda *_arguments, **_options: 5 + more)
    verdict = judge(interval(-1.0, 1.0), CHOICE, CHOICE)
    assert (verdict.text, verdict.more_seeds) == (f"undecided: {words}", more)


def test_beyond_all_reason_no_number_of_seeds_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muslin.ablation.verdict.seeds_needed", lambda *_arguments, **_options: None)
    verdict = judge(interval(-1.0, 1.0), CHOICE, CHOICE, failures=["diverged: x"])
    assert verdict.text == "undecided: more than 1,000 seeds needed; 1 trial failed (diverged)"
    assert verdict.more_seeds is None


@pytest.mark.parametrize(
    ("chosen", "other", "seeds", "verdict"),
    [
        ([], ["lost: a"], 0, Verdict("fails", "the alternative does not train: 1 trial failed (lost)")),
        (
            ["diverged: a", "lost: b", "lost: c"],
            ["lost: d"],
            0,
            Verdict("fails", "the choice does not train: 3 trials failed (lost)"),
        ),
        ([], [], 0, Verdict("not measured", "not measured: 0 seeds so far")),
        ([], [], 1, Verdict("not measured", "not measured: 1 seed so far")),
        ([], [], 2, Verdict("not measured", "not measured: 2 seeds so far")),
    ],
)
def test_without_pairs_the_verdict_says_why(chosen: list[str], other: list[str], seeds: int, verdict: Verdict) -> None:
    assert judge_failure(chosen, other, seeds) == verdict


def test_a_contradicted_choice_is_told_what_is_better() -> None:
    assert judge(paired_effect([-1.0, -1.1, -0.9]), CHOICE, CHOICE).text == "contradicted: the alternative is better"


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
