"""Conclusions from the trials of a study: effects, verdicts, interactions, and accuracy on shifted images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from muslin._words import count
from muslin.ablation.findings import Evidence, Shifted, Together
from muslin.ablation.plan import Contrast, Interaction
from muslin.ablation.records import StudyRecords
from muslin.ablation.statistics import FEWEST_PAIRS, Effect, holm, paired_effect
from muslin.ablation.verdict import Costs, Verdict, judge, judge_failure, judge_together
from muslin.trials.arm import Arm


def evidence(study: StudyRecords, *, bootstrap: bool = True) -> tuple[Evidence, ...]:
    """Return the comparison of each alternative with the choice: the rows of the table.

    Args:
        study: records of the study.
        bootstrap: whether to compute the bootstrap intervals as well.
    """
    costs = study.costs()
    effects = [_effect(study, contrast, bootstrap=bootstrap) for contrast in study.plan.contrasts]
    adjusted = iter(holm([effect.p for effect, _ in effects if effect is not None]))
    return tuple(
        Evidence(
            contrast,
            effect,
            loss,
            next(adjusted) if effect else None,
            costs[contrast.chosen.key],
            costs[contrast.other.key],
            _verdict(study, contrast, effect, costs),
        )
        for contrast, (effect, loss) in zip(study.plan.contrasts, effects, strict=True)
    )


def interactions(study: StudyRecords) -> tuple[Together, ...]:
    """Return whether effects add up, for each pair of alternatives that was trained together."""
    return tuple(_together(study, interaction) for interaction in study.plan.interactions)


def shifts(study: StudyRecords) -> tuple[Shifted, ...]:
    """Return the accuracy on shifted images of every arm that has trials; the choice first."""
    found = ((name, [result.shifts for result in study.results(arm).values()]) for name, arm in _named_arms(study))
    return tuple(
        Shifted(name, tuple(float(value) for value in np.mean(results, axis=0)), len(results))
        for name, results in found
        if results
    )


def _together(study: StudyRecords, interaction: Interaction) -> Together:
    arms = (interaction.first.chosen, interaction.first.other, interaction.second.other, interaction.both)
    neither, first, second, both = (study.results(arm) for arm in arms)
    seeds = sorted(neither.keys() & first.keys() & second.keys() & both.keys())
    if len(seeds) < FEWEST_PAIRS:
        return Together(interaction, None, f"not measured: {count(len(seeds), 'complete seed')} so far")
    beyond = [
        100
        * (
            (both[seed].accuracy - neither[seed].accuracy)
            - (first[seed].accuracy - neither[seed].accuracy)
            - (second[seed].accuracy - neither[seed].accuracy)
        )
        for seed in seeds
    ]
    effect = paired_effect(beyond, alpha=study.alpha, resolution=study.resolution)
    return Together(interaction, effect, judge_together(effect, study.settings.margin))


def _named_arms(study: StudyRecords) -> Iterator[tuple[str, Arm]]:
    named: dict[str, tuple[str, Arm]] = {}
    for contrast in study.plan.contrasts:
        decision = contrast.decision
        label = f"{decision.name}: {decision.chosen} (as for its alternatives)" if decision.given else study.design.name
        named.setdefault(contrast.chosen.key, (label, contrast.chosen))
    for row in evidence(study, bootstrap=False):
        named.setdefault(
            row.contrast.other.key, (f"{row.contrast.decision.name}: {row.alternative}", row.contrast.other)
        )
    yield from named.values()


def _effect(study: StudyRecords, contrast: Contrast, *, bootstrap: bool) -> tuple[Effect | None, Effect | None]:
    chosen, other = study.results(contrast.chosen), study.results(contrast.other)
    seeds = sorted(chosen.keys() & other.keys())
    if len(seeds) < FEWEST_PAIRS:
        return None, None
    accuracy = [100 * (chosen[seed].accuracy - other[seed].accuracy) for seed in seeds]
    loss = [chosen[seed].loss - other[seed].loss for seed in seeds]
    return (
        paired_effect(accuracy, alpha=study.alpha, resolution=study.resolution, most=100, bootstrap=bootstrap),
        paired_effect(loss, alpha=study.alpha),
    )


def _verdict(study: StudyRecords, contrast: Contrast, effect: Effect | None, costs: dict[str, Costs]) -> Verdict:
    failed = study.failures(contrast.chosen), study.failures(contrast.other)
    if effect is None:
        return judge_failure(*failed, seeds=len(study.results(contrast.other)))
    return judge(
        effect,
        costs[contrast.chosen.key],
        costs[contrast.other.key],
        margin=study.settings.margin,
        alpha=study.alpha,
        failures=[*failed[0], *failed[1]],
    )
