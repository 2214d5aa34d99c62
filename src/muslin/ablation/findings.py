"""The results of a study as values: rows of its table, interactions, and accuracy on shifted images."""

from __future__ import annotations

from dataclasses import dataclass

from muslin.ablation.plan import Contrast, Interaction
from muslin.ablation.statistics import Effect
from muslin.ablation.verdict import Costs, Verdict


@dataclass(frozen=True)
class Evidence:
    """The comparison of one alternative with the choice: a row of the table.

    Attributes:
        contrast: the two arms that are compared.
        effect: difference in validation accuracy, choice minus alternative, in points; None with fewer than two paired
            seeds.
        loss: difference in validation loss, choice minus alternative; None with fewer than two paired seeds.
        p_holm: p-value of the test of accuracy, adjusted for all rows of the study (Holm); None without an effect.
        chosen: cost of the choice.
        other: cost of the alternative.
        verdict: the verdict on the choice.
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
        """Name of the alternative; a size-matched twin's names what was matched."""
        matched = {"parameters": ", same parameters", "macs": ", same MACs", None: ""}[self.contrast.matched]
        return f"{self.contrast.alternative}{matched}"


@dataclass(frozen=True)
class Together:
    """Whether the effects of two alternatives add up.

    Attributes:
        interaction: the two contrasts and the arm with both alternatives.
        effect: effect of both alternatives together minus the sum of the effects of each alone, in points (positive:
            better than the sum); None with fewer than two complete seeds.
        text: the verdict in words.
    """

    interaction: Interaction
    effect: Effect | None
    text: str


@dataclass(frozen=True)
class Shifted:
    """Accuracy of an arm on shifted images.

    Attributes:
        name: name of the design for the choice, else "decision: alternative".
        accuracies: accuracy, 0–1, at shifts of 0, 1, 2, 3 and 4 pixels; means over seeds.
        seeds: number of seeds.
    """

    name: str
    accuracies: tuple[float, ...]
    seeds: int
