"""Decisions: a choice made in a design, its reason, and the alternatives to it as small edits."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from muslin.design.layer import LayerName, Part
from muslin.design.layers import Layer

Value: TypeAlias = bool | int | float | str | tuple[int, ...]
Matched: TypeAlias = Literal["parameters", "macs"]
LONGEST_NAME = 60  # characters of a choice's or an alternative's name, which head rows and columns of tables
LARGEST_FACTOR = 1_000_000


def _table(value: object) -> tuple[tuple[str, Value], ...]:
    """Convert a table of settings to pairs, which a frozen value can hold; nested tables become dotted names."""
    if isinstance(value, tuple):  # already converted
        return value
    if not isinstance(value, dict):
        raise ValueError("fields and their values must be in braces, e.g. {filters = 64, kernel = 5}")
    pairs: list[tuple[str, Value]] = []
    for name, content in value.items():
        match content:
            case dict():
                pairs += [(f"{name}.{inner}", item) for inner, item in _table(content)]
            case list() if all(type(item) is int for item in content):
                pairs.append((name, tuple(content)))
            case bool() | int() | float() | str():
                pairs.append((name, content))
            case _:
                raise ValueError(f"{name:.40} must be a number, a word, or two whole numbers in brackets")
    return tuple(pairs)


def _factors(value: object) -> tuple[tuple[str, Value], ...]:
    pairs = _table(value)
    for name, factor in pairs:
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < factor < LARGEST_FACTOR:
            raise ValueError(f"the factor of {name:.40} must be a number between 0 and {LARGEST_FACTOR:,}")
    return pairs


def _untable(pairs: tuple[tuple[str, Value], ...]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in pairs}


# Fields and their values, e.g. {filters = 64, kernel = 5}. {optimizer = {learning_rate = 0.1}} means the same as
# {optimizer.learning_rate = 0.1}.
Table: TypeAlias = Annotated[tuple[tuple[str, Any], ...], BeforeValidator(_table), PlainSerializer(_untable)]
Factors: TypeAlias = Annotated[tuple[tuple[str, Any], ...], BeforeValidator(_factors), PlainSerializer(_untable)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]

_ON_LAYERS = ("set", "scale", "replace", "drop", "insert_before", "insert_after")
_ON_RECIPE = ("recipe", "scale_recipe", "reset_recipe")


class Edit(Part):
    """One small change of a design or of the recipe that trains it.

    An edit has exactly one action. The actions `set`, `scale`, `replace`, `drop`, `insert_before` and `insert_after`
    change layers and need `layers`; the others change the recipe.

    Attributes:
        layers: name of a layer, or a pattern such as "conv*" (default None).
        set: new values by field.
        scale: factors by field; whole numbers are rounded and never fall below 1.
        replace: layer that replaces each selected layer and keeps its name.
        drop: whether to remove the selected layers (default False).
        insert_before: layer to insert before the selected one (default None).
        insert_after: layer to insert after the selected one (default None).
        recipe: new values by field of the recipe.
        scale_recipe: factors by field of the recipe.
        reset_recipe: fields of the recipe to reset to their defaults.
    """

    layers: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)] | None = None
    set: Table = ()
    scale: Factors = ()
    replace: Table = ()
    drop: Annotated[bool, Field(strict=True)] = False
    insert_before: Layer | None = None
    insert_after: Layer | None = None
    recipe: Table = ()
    scale_recipe: Factors = ()
    reset_recipe: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _does_one_thing(self) -> Edit:
        given = [name for name in (*_ON_LAYERS, *_ON_RECIPE) if getattr(self, name)]
        if len(given) != 1:
            what = f"this one has {' and '.join(given)}" if given else "this one has none"
            raise ValueError(f"an edit must have exactly one of {', '.join((*_ON_LAYERS, *_ON_RECIPE))}; {what}")
        if (given[0] in _ON_LAYERS) != (self.layers is not None):
            rule = (
                'needs the layers to change, e.g. layers = "conv*"'
                if self.layers is None
                else "changes the recipe; remove layers"
            )
            raise ValueError(f"an edit with {given[0]} {rule}")
        return self

    @property
    def on_recipe(self) -> bool:
        """Whether the edit changes the recipe, not the design."""
        return self.layers is None


class Alternative(Part):
    """An alternative to the choice of a decision.

    Attributes:
        name: name in tables.
        edits: edits that turn the design into the alternative, applied in order.
        match: quantity in which to also measure a size-matched twin, "parameters" or "macs" (default None: no twin).
            The widths of the twin are solved so that it has as many as the design, so that size does not explain the
            difference.
    """

    name: Name
    edits: Annotated[tuple[Edit, ...], Field(min_length=1, max_length=64)]
    match: Matched | None = None


class Decision(Part):
    """One choice of the designer, and its alternatives.

    Attributes:
        name: subject of the decision, as used in commands and tables.
        chosen: choice that the design makes, in words.
        because: reason for the choice, in the designer's words.
        given: edits applied to the design and to every alternative of this decision before training. For example, the
            dropout rate can only be measured with a recipe that does not override it.
        alternatives: alternatives to compare the choice with; at least one.
    """

    name: LayerName
    chosen: Name
    because: str = ""
    given: Annotated[tuple[Edit, ...], Field(max_length=64)] = ()
    alternatives: Annotated[tuple[Alternative, ...], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _names_differ(self) -> Decision:
        names = [alternative.name for alternative in self.alternatives]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f'two alternatives are named "{twice}"; every alternative needs a different name')
        return self
