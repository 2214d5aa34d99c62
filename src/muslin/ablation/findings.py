"""What a study says, as values: rows of its table, pairs, and what moved images do."""

from __future__ import annotations

from dataclasses import dataclass

from muslin.ablation.plan import Contrast, Interaction
from muslin.ablation.statistics import Effect
from muslin.ablation.verdict import Costs, Verdict


@dataclass(frozen=True)
class Evidence:
    """One alternative against the choice: a row of the table.

    Attributes:
        effect: validation accuracy, choice minus alternative, in points; None with fewer than two pairs.
        loss: validation loss, choice minus alternative; None like `effect`.
        p_holm: p of the accuracy's test, adjusted for all rows of the study (Holm).
    """

    contrast: Contrast
    effect: Effect | None
    loss: Effect | None
    p_holm: float | None
    chosen: Costs
    other: Costs
    verdict: Verdict

    @property
    def alternative(self) -> str:
        """The alternative's name, with what a twin was matched for."""
        matched = {"parameters": ", same parameters", "macs": ", same MACs", None: ""}[self.contrast.matched]
        return f"{self.contrast.alternative}{matched}"


@dataclass(frozen=True)
class Together:
    """Whether two alternatives' effects add up.

    Attributes:
        effect: what both together do beyond the sum of each alone, in points (positive: together they do better than
            the sum says); None with fewer than two complete seeds.
        text: in words.
    """

    interaction: Interaction
    effect: Effect | None
    text: str


@dataclass(frozen=True)
class Shifted:
    """Accuracy of an arm when the images are moved.

    Attributes:
        name: the choice, or "decision: alternative".
        accuracies: 0–1 for 0, 1, 2, 3, 4 pixels; means over seeds.
        seeds: how many.
    """

    name: str
    accuracies: tuple[float, ...]
    seeds: int
