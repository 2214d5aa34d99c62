"""The plan of a study: the arms that its decisions require, and which arms are compared."""

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
    """A choice and one alternative: a row of the table.

    Attributes:
        decision: decision of the design.
        alternative: name of the alternative.
        chosen: arm of the choice.
        other: arm of the alternative.
        matched: "parameters" or "macs" if the alternative is a size-matched twin (default None: it is not).
    """

    decision: Decision
    alternative: str
    chosen: Arm
    other: Arm
    matched: Matched | None = None


@dataclass(frozen=True)
class Interaction:
    """Alternatives of two decisions, alone and together.

    Attributes:
        first: contrast of the first decision alone.
        second: contrast of the second decision alone.
        both: arm with both alternatives.
    """

    first: Contrast
    second: Contrast
    both: Arm


@dataclass(frozen=True)
class Plan:
    """The comparisons of a study.

    Attributes:
        contrasts: choices with their alternatives.
        interactions: pairs of alternatives that are trained together (default: none).
        notes: alternatives that are left out, with the reason (default: none).
    """

    contrasts: tuple[Contrast, ...]
    interactions: tuple[Interaction, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Every arm once, in the order of appearance."""
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
    """Derive the arms of a study from a design's decisions.

    Args:
        design: design with decisions.
        recipe: recipe that every arm is trained with, edited where an alternative says so.
        decisions: decisions to measure, by name or as "decision/alternative"; "*" for all (default: all, or none if
            `pairs` are given).
        match: "parameters" or "macs" for a size-matched twin of every alternative of another size, "none" for no twins
            (default None: twins where an alternative asks for one).
        pairs: pairs of decisions to measure together, by name or as "decision/alternative" (default: none).

    Returns:
        The plan.

    Raises:
        DesignError: the design has no decisions, or none of that name, or none is left to measure.
        RecipeError: an edit does not fit the recipe.
    """
    if not design.decisions:
        raise DesignError(
            f"design '{design.name}' states no decisions, so there is nothing to measure. Add [[decisions]] with "
            "alternatives to its file."
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
    """Return the name of each arm, by key: its first use in the plan."""
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
            "the choice (the recipe may override what the alternative changes)."
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
        notes.append(f"{decision.name}, '{alternative.name}': no size-matched twin: {error}")
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
                notes.append(f"'{one.name}/{its.name}' and '{two.name}/{others.name}' cannot be combined: {error}")
                continue
            yield Interaction(
                Contrast(one, its.name, chosen, _arm(design, recipe, (*given, *its.edits))),
                Contrast(two, others.name, chosen, _arm(design, recipe, (*given, *others.edits))),
                both,
            )
