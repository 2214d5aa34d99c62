"""Verdicts on a choice, from its effect and its costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from muslin._words import count, listed, number, plural
from muslin.ablation.statistics import ALPHA, MOST_SEEDS, Effect, seeds_needed

Kind: TypeAlias = Literal[
    "supported",
    "contradicted",
    "equivalent",
    "supported by cost",
    "costs more for nothing",
    "undecided",
    "fails",
    "not measured",
]
MARGIN = 0.2  # points; a smaller difference does not matter
# Relative difference from which a cost counts: counts are exact, times are measured beside other load.
_COUNTED = {"parameters": 0.01, "MACs": 0.01}
_TIMED = {"training time": 0.10, "latency": 0.10}


@dataclass(frozen=True)
class Costs:
    """The cost of an arm.

    Attributes:
        parameters: number of parameters.
        macs: multiply-accumulate operations for one image.
        seconds: training time on one thread in seconds, the minimum over its trials (default None: not measured).
        latency: seconds for one image on one thread (default None: not measured).
    """

    parameters: int
    macs: int
    seconds: float | None = None
    latency: float | None = None

    def ratios(self, other: Costs) -> dict[str, float]:
        """Return each cost, relative to the other arm's, that was measured for both."""
        pairs = {
            "parameters": (self.parameters, other.parameters),
            "MACs": (self.macs, other.macs),
            "training time": (self.seconds, other.seconds),
            "latency": (self.latency, other.latency),
        }
        return {name: ours / theirs for name, (ours, theirs) in pairs.items() if ours and theirs}


@dataclass(frozen=True)
class Verdict:
    """The verdict on a choice.

    Attributes:
        kind: kind of the verdict.
        text: the verdict in words, with its reason.
        more_seeds: estimated number of further seeds until it is decided (default None: decided, or beyond reach).
    """

    kind: Kind
    text: str
    more_seeds: int | None = None

    @property
    def open(self) -> bool:
        """Whether more seeds could decide it."""
        return self.kind in ("undecided", "not measured")


def judge(
    effect: Effect,
    chosen: Costs,
    other: Costs,
    *,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    failures: Sequence[str] = (),
) -> Verdict:
    """Judge a choice against one alternative.

    If the whole interval lies within ±margin, the difference does not matter and the costs decide. Otherwise the choice
    is supported if the whole interval is above zero, contradicted if it is below, and undecided if it contains zero.

    Args:
        effect: choice minus alternative, in points.
        chosen: cost of the choice.
        other: cost of the alternative.
        margin: largest difference, in points, that does not matter (default 0.2).
        alpha: one minus the confidence level of the effect's interval, for the number of further seeds (default 0.05).
        failures: causes of failed trials (default: none).
    """
    low, high = effect.interval
    missing = f"; {_failed(failures)}" if failures else ""
    if -margin < low and high < margin:
        kind, words = _by_cost(chosen, other, margin)
        return Verdict(kind, words + missing)
    if low > 0:
        return Verdict("supported", f"supported{missing}")
    if high < 0:
        return Verdict("contradicted", f"contradicted: the alternative is better{missing}")
    needed = seeds_needed(effect, margin, alpha=alpha)
    if needed is None:
        return Verdict("undecided", f"undecided: more than {number(MOST_SEEDS)} seeds needed{missing}")
    more = max(1, needed - effect.seeds)
    return Verdict("undecided", f"undecided: about {number(more)} more {plural(more, 'seed')}{missing}", more)


def judge_failure(chosen: Sequence[str], other: Sequence[str], seeds: int) -> Verdict:
    """Judge a choice with fewer than two paired seeds.

    Args:
        chosen: causes of the choice's failed trials.
        other: causes of the alternative's failed trials.
        seeds: number of the alternative's successful trials.
    """
    if other and not chosen:
        return Verdict("fails", f"the alternative does not train: {_failed(other)}")
    if chosen:
        return Verdict("fails", f"the choice does not train: {_failed(chosen)}")
    return Verdict("not measured", f"not measured: {count(seeds, 'seed')} so far")


def judge_together(effect: Effect, margin: float) -> str:
    """Judge whether the effects of two alternatives add up.

    Args:
        effect: effect of both together minus the sum of the effects of each alone, in points.
        margin: largest difference, in points, that does not matter.
    """
    low, high = effect.interval
    if -margin < low and high < margin:
        return f"the effects add up, within {margin:g} points"
    if low > 0:
        return "the effects do not add up: together better than their sum"
    if high < 0:
        return "the effects do not add up: together worse than their sum"
    return "undecided"


def _by_cost(chosen: Costs, other: Costs, margin: float) -> tuple[Kind, str]:
    ratios = chosen.ratios(other)
    limits = _COUNTED | _TIMED
    less = [name for name, ratio in ratios.items() if ratio < 1 / (1 + limits[name])]
    more = [name for name, ratio in ratios.items() if ratio > 1 + limits[name]]
    same = f"no difference larger than {margin:g} points"
    if less and not more:
        return "supported by cost", f"{same}; supported by cost ({', '.join(less)})"
    if more and not less:
        return "costs more for nothing", f"{same}; costs more for nothing ({', '.join(more)})"
    if less:
        return "equivalent", f"{same}; lower cost in {listed(less)}, higher in {listed(more)}"
    return "equivalent", same


def _failed(causes: Sequence[str]) -> str:
    cause, _ = Counter(cause.split(":")[0] for cause in causes).most_common(1)[0]
    return f"{count(len(causes), 'trial')} failed ({cause})"
