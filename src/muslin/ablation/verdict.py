"""From an effect and costs to a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from muslin.ablation.statistics import ALPHA, Effect, seeds_needed

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
MARGIN = 0.2  # points: a smaller difference doesn't matter
# By how much a cost must differ to count: counts are exact, times are measured beside other work.
_COUNTED = {"parameters": 0.01, "MACs": 0.01}
_TIMED = {"training time": 0.10, "latency": 0.10}


@dataclass(frozen=True)
class Costs:
    """What an arm costs.

    Attributes:
        parameters: in all.
        macs: multiply-accumulate operations for one image.
        seconds: of training on one thread, the least of its trials; None before the first.
        latency: seconds for one image on one thread; None if not measured.
    """

    parameters: int
    macs: int
    seconds: float | None = None
    latency: float | None = None

    def ratios(self, other: Costs) -> dict[str, float]:
        """Each cost that both know, as a factor of the other's."""
        pairs = {
            "parameters": (self.parameters, other.parameters),
            "MACs": (self.macs, other.macs),
            "training time": (self.seconds, other.seconds),
            "latency": (self.latency, other.latency),
        }
        return {name: ours / theirs for name, (ours, theirs) in pairs.items() if ours and theirs}


@dataclass(frozen=True)
class Verdict:
    """What the evidence says about a choice.

    Attributes:
        kind: the verdict.
        text: in words, with the reason.
        more_seeds: how many more would decide it, if all stays as it is; None where that makes no sense.
    """

    kind: Kind
    text: str
    more_seeds: int | None = None

    @property
    def open(self) -> bool:
        """Whether more seeds could change it."""
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
    """The verdict on a choice against one alternative.

    The whole interval within ±margin: no difference that matters, and cost decides. Otherwise the whole interval above
    zero: supported; below: contradicted. Otherwise undecided.

    Args:
        effect: choice minus alternative, in points.
        chosen: costs of the choice.
        other: costs of the alternative.
        margin: below it a difference doesn't matter, in points.
        alpha: of the effect's interval; for how many more seeds are needed.
        failures: causes of the trials that are missing.
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
        return Verdict("undecided", f"undecided: the difference is close to {margin:g} points{missing}")
    more = max(1, needed - effect.seeds)
    return Verdict("undecided", f"undecided: about {more} more seed{'s' if more > 1 else ''}{missing}", more)


def judge_failure(chosen: Sequence[str], other: Sequence[str], seeds: int) -> Verdict:
    """The verdict where too few pairs came back: for each side the causes of failed trials, of so many seeds."""
    if other and not chosen:
        return Verdict("fails", f"the alternative does not train: {_failed(other)}")
    if chosen:
        return Verdict("fails", f"the choice does not train: {_failed(chosen)}")
    return Verdict("not measured", f"not measured: {seeds} seed{'s' if seeds != 1 else ''} so far")


def judge_together(effect: Effect, margin: float) -> str:
    """Whether two decisions' effects add up, from what both together do beyond the sum of each alone."""
    low, high = effect.interval
    if -margin < low and high < margin:
        return f"they add up, within {margin:g} points"
    if low > 0:
        return "they don't add up: together better than the sum"
    if high < 0:
        return "they don't add up: together worse than the sum"
    return "undecided"


def _by_cost(chosen: Costs, other: Costs, margin: float) -> tuple[Kind, str]:
    ratios = chosen.ratios(other)
    limits = _COUNTED | _TIMED
    less = [name for name, ratio in ratios.items() if ratio < 1 / (1 + limits[name])]
    more = [name for name, ratio in ratios.items() if ratio > 1 + limits[name]]
    same = f"no difference larger than {margin:g}"
    if less and not more:
        return "supported by cost", f"{same}; supported by cost ({', '.join(less)})"
    if more and not less:
        return "costs more for nothing", f"{same}; costs more for nothing ({', '.join(more)})"
    if less:
        return "equivalent", f"{same}; less {', '.join(less)}, more {', '.join(more)}"
    return "equivalent", same


def _failed(causes: Sequence[str]) -> str:
    cause, _ = Counter(cause.split(":")[0] for cause in causes).most_common(1)[0]
    return f"{len(causes)} trial{'s' if len(causes) > 1 else ''} failed ({cause})"
