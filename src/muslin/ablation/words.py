"""How effects and costs are written in tables and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muslin._words import number, signed

if TYPE_CHECKING:
    from muslin.ablation.statistics import Effect

_FACTOR_FROM = 2  # ratios from here on are written as a factor
_PRECISE_BELOW = 9.5  # percent; smaller changes have a decimal


def describe_effect(effect: Effect | None) -> str:
    """Format a difference with its confidence interval; empty for None.

    >>> from muslin.ablation.statistics import paired_effect
    >>> describe_effect(paired_effect([-0.1, 0.2, 0.1]))
    '+0.07 [−0.31, +0.45]'
    """
    if effect is None:
        return ""
    low, high = effect.interval
    return f"{signed(effect.mean)} [{signed(low)}, {signed(high)}]"


def describe_ratio(ratio: float | None) -> str:
    """Format the ratio of two costs, as a change in percent or, from 2 on, as a factor; empty for None.

    >>> describe_ratio(0.5), describe_ratio(1.0), describe_ratio(1.034), describe_ratio(3.2), describe_ratio(None)
    ('−50%', '0%', '+3.4%', '×3.2', '')
    """
    if ratio is None:
        return ""
    if ratio >= _FACTOR_FROM:
        return f"×{number(ratio, 1 if ratio < 100 else 0)}"
    change = 100 * (ratio - 1)
    return f"{signed(change, 0 if abs(change) >= _PRECISE_BELOW or change == 0 else 1)}%"
