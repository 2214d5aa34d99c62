"""Intervals and the paired comparison, held against scipy, published figures and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from muslin.errors import RunError
from muslin.evaluation import Evaluation, compare, paired_difference, wilson


@given(st.integers(1, 12_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(pair: tuple[int, int]) -> None:
    hits, trials = pair
    theirs = binomtest(hits, trials).proportion_ci(method="wilson")
    low, high = wilson(hits, trials)
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= low <= hits / trials <= high <= 1


def test_nothing_is_known_without_trials() -> None:
    assert wilson(0, 0) == (0, 1)


def test_the_paired_interval_is_the_published_one() -> None:
    # Bentur et al.'s airway data as worked in Fagerland, Lydersen & Laake, "Recommended tests and confidence intervals
    # for paired binomial proportions", Statistics in Medicine 2014: Tango's interval is −0.517 to −0.026.
    low, high = paired_difference(1, 7, 21)
    assert (low, high) == (pytest.approx(-0.517, abs=5e-4), pytest.approx(-0.026, abs=5e-4))


def tango_statistic(only_first: int, only_second: int, images: int, difference: float) -> float:
    """The score statistic, with the constrained share found by maximising the likelihood numerically."""
    agree = images - only_first - only_second

    def minus_log_likelihood(share: float) -> float:
        shares = np.maximum([share + difference, share, 1 - 2 * share - difference], 1e-300)
        return -float(np.dot([only_first, only_second, agree], np.log(shares)))

    lower, upper = max(0.0, -difference), (1 - difference) / 2
    share = minimize_scalar(minus_log_likelihood, bounds=(lower, upper), method="bounded", options={"xatol": 1e-12}).x
    return float(
        (only_first - only_second - images * difference) / np.sqrt(images * (2 * share + difference * (1 - difference)))
    )


@pytest.mark.parametrize(
    ("only_first", "only_second", "images"), [(420, 190, 10_000), (3, 9, 40), (5, 5, 30), (1, 2, 4)]
)
def test_the_score_test_rejects_exactly_what_lies_outside_the_paired_interval(
    only_first: int, only_second: int, images: int
) -> None:
    low, high = paired_difference(only_first, only_second, images)
    assert tango_statistic(only_first, only_second, images, low) == pytest.approx(1.96, abs=1e-3)
    assert tango_statistic(only_first, only_second, images, high) == pytest.approx(-1.96, abs=1e-3)


@given(
    st.integers(1, 5_000).flatmap(
        lambda n: st.tuples(st.just(n), st.integers(0, n)).flatmap(
            lambda pair: st.tuples(st.integers(0, pair[1]), st.just(pair[1]), st.just(pair[0]))
        )
    )
)
def test_the_paired_interval_surrounds_the_difference_and_mirrors_when_the_two_change_places(
    case: tuple[int, int, int],
) -> None:
    only_first, disagreements, images = case
    only_second = disagreements - only_first
    low, high = paired_difference(only_first, only_second, images)
    assert -1 <= low <= (only_first - only_second) / images <= high <= 1
    assert low < high
    assert paired_difference(only_second, only_first, images) == pytest.approx((-high, -low), abs=1e-9)


def answering(right: list[bool]) -> Evaluation:
    probabilities = np.where(np.array(right)[:, None], [[0.9, 0.1]], [[0.2, 0.8]]).astype(np.float32)
    return Evaluation(np.zeros(len(right), np.int64), probabilities, ("a", "b"))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_an_improvement_counts_the_images_that_only_one_gets_right(pairs: list[tuple[bool, bool]]) -> None:
    first, second = answering([pair[0] for pair in pairs]), answering([pair[1] for pair in pairs])
    improvement = compare(first, second)
    assert improvement.points == pytest.approx(100 * (first.accuracy - second.accuracy))
    assert improvement.only_first == pairs.count((True, False))
    assert improvement.only_second == pairs.count((False, True))
    assert improvement.interval.low <= improvement.points <= improvement.interval.high
    disagreements = improvement.only_first + improvement.only_second
    exact = binomtest(improvement.only_first, disagreements).pvalue if disagreements else 1.0
    assert 0 < improvement.p_value <= exact + 1e-12


def test_mcnemars_mid_p_is_the_published_one_and_half_an_outcome_below_the_exact() -> None:
    # The same airway data: exact 0.070, mid-p 0.039.
    improvement = compare(answering([True] + [False] * 7 + [True] * 13), answering([False] + [True] * 20))
    assert (improvement.only_first, improvement.only_second, improvement.images) == (1, 7, 21)
    assert improvement.p_value == pytest.approx(binomtest(1, 8).pvalue - 8 / 2**8)
    assert improvement.p_value == pytest.approx(0.039, abs=5e-4)
    assert improvement.summary()["points"] == pytest.approx(-100 * 6 / 21)


def test_evaluations_of_different_images_are_not_compared() -> None:
    with pytest.raises(RunError, match="different images"):
        compare(answering([True]), answering([True, False]))
