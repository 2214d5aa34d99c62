"""From decisions to what has to be trained: arms, and which is held against which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from muslin._words import nearest
from muslin.ablation.matching import match_widths, matches, size
from muslin.design import Alternative, Decision, Design, Edit
from muslin.design.decision import Matched
from muslin.design.edits import edit_recipe
from muslin.errors import DesignError
from muslin.recipe import Recipe
from muslin.trials.arm import Arm

Match: TypeAlias = Literal["parameters", "macs", "none"]


@dataclass(frozen=True)
class Contrast:
    """One alternative against what was chosen: a row of the table.

    Attributes:
        matched: what the alternative's widths were solved for, if it is a twin.
    """

    decision: Decision
    alternative: str
    chosen: Arm
    other: Arm
    matched: Matched | None = None


@dataclass(frozen=True)
class Interaction:
    """Alternatives of two decisions, one at a time and together."""

    first: Contrast
    second: Contrast
    both: Arm


@dataclass(frozen=True)
class Plan:
    """What a study trains.

    Attributes:
        notes: alternatives that are left out, and why.
    """

    contrasts: tuple[Contrast, ...]
    interactions: tuple[Interaction, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Every arm once, in order of appearance."""
        arms: dict[str, Arm] = {}
        for contrast in self.contrasts:
            arms.setdefault(contrast.chosen.key, contrast.chosen)
            arms.setdefault(contrast.other.key, contrast.other)
        for interaction in self.interactions:
            for contrast in (interaction.first, interaction.second):
                arms.setdefault(contrast.chosen.key, contrast.chosen)
                arms.setdefault(contrast.other.key, contrast.other)
            arms.setdefault(interaction.both.key, interaction.both)
        return tuple(arms.values())


def make_plan(
    design: Design,
    recipe: Recipe,
    decisions: Sequence[str] = (),
    *,
    match: Match | None = None,
    pairs: Sequence[tuple[str, str]] = (),
) -> Plan:
    """Work out the arms.

    Args:
        design: with its decisions.
        recipe: that trains every arm, edited where an alternative says so.
        decisions: names of those to measure, or "decision/alternative", or "*" for all; by default all, or none if
            pairs are given.
        match: make twins for every alternative of another size ("parameters", "macs"), for none ("none"), or for those
            that ask for it (None).
        pairs: decisions to measure together, as names or "decision/alternative".

    Raises:
        DesignError: the design has no decisions, or none of that name, or none is left to measure.
        RecipeError: an edit doesn't fit the recipe.
    """
    if not design.decisions:
        raise DesignError(
            f"design '{design.name}' states no decisions, so there is nothing to measure. Add [[decisions]] with "
            "alternatives to its file; docs/ablation.md shows how."
        )
    notes: list[str] = []
    contrasts: list[Contrast] = []
    for name in decisions or (() if pairs else ("*",)):
        for decision, alternative in _alternatives(design, name):
            contrasts += _contrasts(design, recipe, decision, alternative, match, notes)
    interactions = [
        interaction for first, second in pairs for interaction in _interactions(design, recipe, first, second, notes)
    ]
    if not contrasts and not interactions:
        raise DesignError(f"nothing is left to measure: {' '.join(notes)}")
    return Plan(tuple(dict.fromkeys(contrasts)), tuple(interactions), tuple(notes))


def arm_names(plan: Plan) -> dict[str, str]:
    """What to call each arm, by key: the first thing that the plan needs it for."""
    names: dict[str, str] = {}
    for interaction in plan.interactions:
        one, two = interaction.first, interaction.second
        names[interaction.both.key] = f"{one.alternative} and {two.alternative}"
    for contrast in (*plan.contrasts, *(part for pair in plan.interactions for part in (pair.first, pair.second))):
        twin = f", same {contrast.matched}" if contrast.matched else ""
        names.setdefault(contrast.chosen.key, f"{contrast.decision.name}: {contrast.decision.chosen}")
        names.setdefault(contrast.other.key, f"{contrast.decision.name}: {contrast.alternative}{twin}")
    return names


def _alternatives(design: Design, name: str) -> Iterable[tuple[Decision, Alternative]]:
    if name == "*":
        return [(decision, one) for decision in design.decisions for one in decision.alternatives]
    which, slash, alternative = name.partition("/")
    found = next((decision for decision in design.decisions if decision.name == which), None)
    if found is None:
        names = [decision.name for decision in design.decisions]
        near = nearest(which, names)
        hint = f"Did you mean '{near}'? " if near else ""
        raise DesignError(f"design '{design.name}' states no decision '{which}'. {hint}It states {', '.join(names)}.")
    chosen = [one for one in found.alternatives if not slash or one.name == alternative]
    if not chosen:
        raise DesignError(
            f"decision '{which}' has no alternative '{alternative}'; it has "
            f"{', '.join(repr(one.name) for one in found.alternatives)}."
        )
    return [(found, one) for one in chosen]


def _arm(design: Design, recipe: Recipe, edits: Iterable[Edit]) -> Arm:
    edits = tuple(edits)
    return Arm(design.edited(edits), edit_recipe(recipe, edits))


def _contrasts(
    design: Design, recipe: Recipe, decision: Decision, alternative: Alternative, match: Match | None, notes: list[str]
) -> Iterable[Contrast]:
    chosen = _arm(design, recipe, decision.given)
    other = _arm(design, recipe, (*decision.given, *alternative.edits))
    if other.key == chosen.key:
        notes.append(
            f"{decision.name}, '{alternative.name}': left out, because recipe '{recipe.name}' trains it exactly like "
            "the choice (it may replace what the alternative changes)."
        )
        return
    yield Contrast(decision, alternative.name, chosen, other)
    what = alternative.match if match is None else match
    if what is None or what == "none":
        return
    target = size(chosen.design, what)
    if matches(other.design, target, what):
        return
    try:
        twin = Arm(match_widths(other.design, target, what), other.recipe)
    except DesignError as error:
        notes.append(f"{decision.name}, '{alternative.name}': no twin of equal size: {error}")
        return
    if twin.key != chosen.key:
        yield Contrast(decision, alternative.name, chosen, twin, what)


def _interactions(design: Design, recipe: Recipe, first: str, second: str, notes: list[str]) -> Iterable[Interaction]:
    for one, its in _alternatives(design, first):
        for two, others in _alternatives(design, second):
            if one.name == two.name:
                raise DesignError(f"the pair '{first},{second}' names one decision twice; give two different ones.")
            given = (*one.given, *two.given)
            chosen = _arm(design, recipe, given)
            try:
                both = _arm(design, recipe, (*given, *its.edits, *others.edits))
            except DesignError as error:
                notes.append(f"'{one.name}/{its.name}' and '{two.name}/{others.name}' don't go together: {error}")
                continue
            yield Interaction(
                Contrast(one, its.name, chosen, _arm(design, recipe, (*given, *its.edits))),
                Contrast(two, others.name, chosen, _arm(design, recipe, (*given, *others.edits))),
                both,
            )
