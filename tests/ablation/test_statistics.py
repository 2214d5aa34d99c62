"""The statistics against known answers, and by simulation where the claim is about error rates."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from muslin.ablation.statistics import (
    MOST_SEEDS,
    Effect,
    detectable,
    holm,
    looks_at,
    paired_effect,
    seeds_needed,
    sequential_alpha,
)
from muslin.ablation.verdict import Costs, judge

SAME = Costs(1, 1)
SEED_NOISE = 0.2  # points: the deviation between seeds of one network
STUDIES = 2_000


def test_an_interval_ends_where_accuracies_do() -> None:
    assert paired_effect([100, 0], most=100).interval == (-100, 100)
    assert paired_effect([100, 0]).interval.high > 600


def test_the_paired_interval_and_p_are_those_of_scipys_paired_t_test() -> None:
    first, second = np.array([91.8, 92.1, 91.9, 92.4, 92.0]), np.array([91.5, 91.9, 92.0, 91.8, 91.7])
    effect = paired_effect(first - second)
    theirs = stats.ttest_rel(first, second)
    assert effect.p == pytest.approx(theirs.pvalue)
    assert effect.interval == pytest.approx(tuple(theirs.confidence_interval()))


def test_students_sleep_data_give_the_published_answer() -> None:
    """Extra hours of sleep under two drugs, ten patients (Student 1908): mean 1.58, t = 4.0621, p = 0.002833."""
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    effect = paired_effect([b - a for a, b in zip(first, second, strict=True)])
    assert effect.mean == pytest.approx(1.58)
    assert effect.p == pytest.approx(0.002833, abs=1e-6)
    assert effect.interval == pytest.approx((0.7001142, 2.4598858), abs=1e-6)


def test_the_bootstrap_interval_leans_with_the_skew_where_t_is_symmetric() -> None:
    effect = paired_effect([0.1, 0.0, 0.2, 0.1, 0.0, 0.1, 2.0, 0.1], bootstrap=True)
    assert effect.bootstrap is not None
    low, high = effect.bootstrap
    assert high - effect.mean > effect.mean - low
    assert effect.mean - effect.interval.low == pytest.approx(effect.interval.high - effect.mean)


def test_the_bootstrap_is_computed_when_asked_for_and_from_three_differences_on() -> None:
    assert paired_effect([0.1, 0.3, 0.2]).bootstrap is None
    assert paired_effect([0.1, 0.3], bootstrap=True).bootstrap is None
    interval = paired_effect([0.1, 0.3, 0.2], bootstrap=True).bootstrap
    assert interval is not None
    assert 0.1 <= interval.low < interval.high <= 0.3


def test_equal_differences_of_few_seeds_are_not_believed_beyond_the_rounding_of_accuracies() -> None:
    effect = paired_effect([0.4, 0.4], resolution=0.4)
    assert effect.deviation == pytest.approx(0.4 / sqrt(12))
    assert effect.interval.low < 0 < effect.interval.high
    assert paired_effect([0.0, 0.0, 0.0]).p == 1


def test_holm_gives_the_worked_example() -> None:
    """p-values adjusted by R's p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")."""
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx((0.05, 0.08, 0.09, 0.09, 0.09))


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_the_order_and_lowers_nothing(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(0 <= p <= q <= 1 for p, q in zip(values, adjusted, strict=True))
    ranked = [adjusted[index] for index in np.argsort(values, kind="stable")]
    assert ranked == sorted(ranked)


def test_the_detectable_difference_is_found_in_four_studies_of_five() -> None:
    difference = detectable(5, 0.3)
    values = np.random.default_rng(1).normal(difference, 0.3, (20_000, 5))
    assert (stats.ttest_1samp(values, 0, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.01)


def test_the_seeds_needed_would_decide() -> None:
    effect = paired_effect([0.1, 0.5, -0.2, 0.6, 0.1])
    needed = seeds_needed(effect, 0.2)
    assert needed is not None
    reach = [stats.t.ppf(0.975, count - 1) * effect.deviation / sqrt(count) for count in (needed - 1, needed)]
    assert reach[0] >= effect.mean > reach[1]


@pytest.mark.parametrize(("count", "needed"), [(MOST_SEEDS, MOST_SEEDS), (MOST_SEEDS + 1, None)])
def test_the_most_seeds_that_are_ever_named(count: int, needed: int | None) -> None:
    reach = stats.t.ppf(0.975, count - 1) / sqrt(count)
    effect = replace(paired_effect([0.0, 1.0]), deviation=0.999_999 / reach, mean=1.0)  # decided by so many, just
    assert seeds_needed(effect, 0.2) == needed


def test_a_difference_at_the_margin_may_need_more_seeds_than_anyone_has() -> None:
    assert seeds_needed(paired_effect([-20.0, 20.0, 0.1, -0.1, 0.0]), 0.001) is None


# ── Looking more than once ────────────────────────────────────────────────────────────────────────────────────────


def sequential_studies(mean: float, deviation: float, looks: tuple[int, ...], studies: int, seed: int) -> list[str]:
    """The verdicts at which studies stop, each looked at after every number of seeds in `looks`."""
    values = np.random.default_rng(seed).normal(mean, deviation, (studies, looks[-1]))
    alpha = sequential_alpha(looks)
    ends = np.full(studies, "undecided", dtype=object)
    still = np.ones(studies, dtype=bool)
    for count in looks:
        part = values[:, :count]
        middle, spread = part.mean(1), part.std(1, ddof=1)
        reach = stats.t.ppf(1 - alpha / 2, count - 1) * spread / sqrt(count)
        low, high = middle - reach, middle + reach
        verdict = np.select([(low > -0.2) & (high < 0.2), low > 0, high < 0], ["same", "supported", "contradicted"], "")
        ends[still & (verdict != "")] = verdict[still & (verdict != "")]
        still &= verdict == ""
    return list(ends)


@pytest.mark.parametrize("looks", [(5, 7, 9, 11, 14, 16, 18, 20), (3, 4, 5, 6, 7, 8, 9, 10), (2, 20), (5, 10)])
def test_until_decided_errs_in_at_most_five_and_a_half_per_cent_of_null_studies(looks: tuple[int, ...]) -> None:
    for seed in range(5):
        ends = sequential_studies(0.0, sqrt(2) * SEED_NOISE, looks, STUDIES, seed)
        assert sum(end in ("supported", "contradicted") for end in ends) <= 0.055 * STUDIES


def test_looking_eight_times_with_ordinary_intervals_would_err_far_more_often() -> None:
    looks = looks_at(5, 20)
    values = np.random.default_rng(0).normal(0, 1, (STUDIES, 20))
    p = np.array([stats.ttest_1samp(values[:, :count], 0, axis=1).pvalue for count in looks])
    assert (p.min(0) < 0.05).mean() > 0.1


def test_a_difference_at_the_margin_is_rarely_called_none() -> None:
    ends = sequential_studies(0.2, 0.3, looks_at(5, 20), STUDIES, 0)
    assert sum(end == "same" for end in ends) <= 0.055 * STUDIES


def test_a_planted_point_is_found_with_five_seeds() -> None:
    ends = sequential_studies(1.0, sqrt(2) * SEED_NOISE, (5,), STUDIES, 0)
    assert sum(end == "supported" for end in ends) > 0.99 * STUDIES


def test_a_null_decision_with_five_seeds_is_seldom_decided_wrongly() -> None:
    """The verdict function itself, on a fifth of the studies, beside the vectorised rule above."""
    values = np.random.default_rng(3).normal(0, sqrt(2) * SEED_NOISE, (STUDIES // 5, 5))
    kinds = [judge(paired_effect(row), SAME, SAME).kind for row in values]
    assert sum(kind in ("supported", "contradicted") for kind in kinds) <= 0.055 * len(kinds) + 3  # ± its own noise


def test_the_level_does_not_depend_on_the_simulation() -> None:
    """Two looks, checked against the exact rate in a simulation of its own."""
    looks, alpha = (5, 10), sequential_alpha((5, 10))
    values = np.random.default_rng(99).standard_normal((100_000, 10))
    p = np.array([stats.ttest_1samp(values[:, :count], 0, axis=1).pvalue for count in looks])
    assert (p.min(0) < alpha).mean() == pytest.approx(0.05, abs=0.003)


def test_too_few_differences_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        paired_effect([1.0])


def test_an_effect_knows_its_seeds() -> None:
    effect = paired_effect([1.0, 2.0, 3.0])
    assert isinstance(effect, Effect)
    assert effect.seeds == 3


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_the_bootstrap_is_scipys_with_9_999_resamples_at_the_level_asked_for(alpha: float) -> None:
    values = [0.1, 0.5, 0.2, 1.4]
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=9_999, confidence_level=1 - alpha, rng=np.random.default_rng(0)
    ).confidence_interval
    found = paired_effect(values, alpha=alpha, bootstrap=True).bootstrap
    assert found is not None
    assert tuple(found) == tuple(expected)


@pytest.mark.parametrize("values", [[0.1, 0.5], [0.3, 0.3, 0.3]])
def test_a_bootstrap_of_too_little_is_none(values: list[float]) -> None:
    assert paired_effect(values, bootstrap=True).bootstrap is None


def test_equal_differences_are_certain_unless_they_are_nothing() -> None:
    assert paired_effect([0.5, 0.5]).p == 0
    assert paired_effect([0.0, 0.0]).p == 1


@pytest.mark.parametrize("power", [0.8, 0.95])
@pytest.mark.parametrize("seeds", [3, 5, 20, 200])
def test_the_detectable_difference_has_its_power_by_integration(seeds: int, power: float) -> None:
    # Given the sample's variance, the mean is normal: averaged over the variance's distribution, chi-squared.
    effect = detectable(seeds, 2.0, power=power, alpha=0.1) / 2.0
    degrees = seeds - 1
    shares = (np.arange(200_000) + 0.5) / 200_000
    deviations = np.sqrt(stats.chi2.ppf(shares, degrees) / degrees)
    beyond = stats.norm.sf(stats.t.ppf(0.95, degrees) * deviations - effect * sqrt(seeds))
    assert beyond.mean() == pytest.approx(power, abs=1e-4)


def test_one_looks_eight_times_unless_told_otherwise() -> None:
    assert looks_at(5, 100) == (5, 19, 32, 46, 59, 73, 86, 100)
    assert looks_at(5, 100, 3) == (5, 52, 100)
