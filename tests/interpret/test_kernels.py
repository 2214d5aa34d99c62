"""Filters are described by what they respond to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from muslin.interpret import PARTS, chance, describe_filter, describe_filters

kernels = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.floats(-4, 4, width=32))
)


def plane(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows, np.float64)[..., None]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], "edge, bright right"),
        ([[1, 0, -1], [1, 0, -1], [1, 0, -1]], "edge, bright left"),
        ([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], "edge, bright top"),
        ([[0, 1, 2], [-1, 0, 1], [-2, -1, 0]], "edge, bright upper right"),
        ([[0, -1, -2], [1, 0, -1], [2, 1, 0]], "edge, bright lower left"),
        ([[-1, -1, -1], [2, 2, 2], [-1, -1, -1]], "line, horizontal"),
        ([[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]], "line, vertical"),
        ([[-1, 0, 1], [0, 0, 0], [1, 0, -1]], "line, rising diagonal"),
        ([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], "line, falling diagonal"),
        ([[0, 1, 0], [1, -4, 1], [0, 1, 0]], "dark spot"),
        ([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], "bright spot"),
        ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], "brightness"),
        ([[-3, -3], [-3, -3]], "darkness"),
        ([[1, 0, -1], [-2, 0, 2], [1, 0, -1]], "texture"),
        ([[0, 0, 0], [0, 0, 0], [0, 0, 0]], "zero"),
        ([[5]], "brightness"),
        ([[-1, 2, -1]], "line, vertical"),
        ([[-1], [2], [-1]], "line, horizontal"),
        ([[2, -1, -1], [-1, 2, -1], [-1, -1, 2]], "line, falling diagonal"),
    ],
)
def test_a_textbook_filter_is_called_by_its_name(rows: list[list[float]], words: str) -> None:
    assert str(describe_filter(plane(rows))) == words


def test_a_filter_without_a_dominant_part_is_mixed_and_says_of_what() -> None:
    edge, line = plane([[-1, 0, 1]] * 3) / 6**0.5, plane([[-1, 2, -1]] * 3) / 18**0.5
    flat = plane([[1, 1, 1]] * 3) / 3
    description = describe_filter(0.5 * edge + 0.45 * line + 0.4 * flat)
    assert description.kind == "mixed"
    assert str(description) == "edge and line"


@given(kernels)
def test_the_shares_add_up_and_do_not_depend_on_scale_or_on_the_order_of_channels(kernel: np.ndarray) -> None:
    description = describe_filter(kernel)
    assert all(0 <= share <= 1 for share in description.shares.values())
    assert description.strength == pytest.approx(float(np.linalg.norm(kernel.astype(np.float64))))
    assert sum(description.shares.values()) == pytest.approx(1 if description.strength else 0, abs=1e-6)
    again = describe_filter(3 * kernel[..., ::-1].astype(np.float64))
    assert again.shares == pytest.approx(description.shares, abs=1e-6)


@given(kernels)
def test_turning_a_filter_by_a_quarter_turns_its_direction_by_a_quarter(kernel: np.ndarray) -> None:
    before, after = describe_filter(kernel), describe_filter(np.rot90(kernel))
    assert after.shares == pytest.approx(before.shares, abs=1e-6)
    if kernel.shape[2] == 1 and before.direction is not None and before.shares["edge"] > 1e-3:
        assert after.direction is not None
        turned = (after.direction - before.direction) % 360
        assert turned == pytest.approx(90, abs=1e-3)


@pytest.mark.parametrize("degrees", range(0, 360, 15))
def test_the_direction_of_a_ramp_is_read_off_exactly(degrees: int) -> None:
    rows, columns = np.mgrid[-2:3, -2:3]
    ramp = np.cos(np.radians(degrees)) * columns - np.sin(np.radians(degrees)) * rows
    description = describe_filter(ramp[..., None])
    assert description.direction == pytest.approx(degrees, abs=1e-9)
    assert description.shares["edge"] == pytest.approx(1)


def test_channels_that_oppose_each_other_still_show_their_edge() -> None:
    red = plane([[-1, 0, 1]] * 3)
    description = describe_filter(np.concatenate([red, -0.5 * red, 0 * red], axis=2))
    assert str(description) == "edge, bright right"


def test_random_filters_have_the_shares_that_chance_gives_them() -> None:
    noise = np.random.default_rng(0).normal(size=(4000, 3, 5, 2))
    shares = [description.shares for description in describe_filters(noise)]
    expected = chance(3, 5, 2)
    assert sum(expected.values()) == pytest.approx(1)
    for part in PARTS:
        assert np.mean([share[part] for share in shares]) == pytest.approx(expected[part], abs=0.01)
