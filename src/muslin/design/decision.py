"""Decisions: what was chosen in a design, why, and what could have been chosen instead, as small edits."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from muslin.design.layers import Layer, LayerName, Part

Value: TypeAlias = bool | int | float | str | tuple[int, ...]
Matched: TypeAlias = Literal["parameters", "macs"]
LONGEST_NAME = 60  # characters of a decision's choice and alternatives: they head columns and rows
MOST_FIELDS = 32  # that one edit changes
LARGEST_FACTOR = 1_000_000


def _table(value: object) -> tuple[tuple[str, Value], ...]:
    """A table of settings as pairs, which a frozen value can hold; tables inside it become dotted names."""
    if isinstance(value, tuple):  # a table that was read before
        return value
    if not isinstance(value, dict):
        raise ValueError("fields and their values stand in braces, e.g. {filters = 64, kernel = 5}")
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
                raise ValueError(f"{name:.40} takes a number, a word, or two whole numbers in brackets")
    if len(pairs) > MOST_FIELDS:
        raise ValueError(f"an edit changes at most {MOST_FIELDS} fields; this one has {len(pairs)}")
    return tuple(pairs)


def _factors(value: object) -> tuple[tuple[str, Value], ...]:
    pairs = _table(value)
    for name, factor in pairs:
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < factor < LARGEST_FACTOR:
            raise ValueError(f"the factor of {name:.40} must be a number between 0 and {LARGEST_FACTOR:,}")
    return pairs


def _untable(pairs: tuple[tuple[str, Value], ...]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in pairs}


# Fields and values, written {filters = 64, kernel = 5}; {optimizer = {learning_rate = 0.1}} is the same as
# {optimizer.learning_rate = 0.1}.
Table: TypeAlias = Annotated[tuple[tuple[str, Any], ...], BeforeValidator(_table), PlainSerializer(_untable)]
Factors: TypeAlias = Annotated[tuple[tuple[str, Any], ...], BeforeValidator(_factors), PlainSerializer(_untable)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]

_ON_LAYERS = ("set", "scale", "replace", "drop", "insert_before", "insert_after")
_ON_RECIPE = ("recipe", "scale_recipe", "reset_recipe")


class Edit(Part):
    """One small change of a design or of the recipe that trains it.

    Exactly one of the actions is given; those on layers come with `layers`.

    Attributes:
        layers: which layers: a name, or a pattern such as "conv*".
        set: fields and their new values.
        scale: fields and the factor that each is multiplied with; whole numbers are rounded and stay at least 1.
        replace: a layer to put in their place, without a name: it takes over the old one's.
        drop: take them out.
        insert_before: a layer to put before the one that `layers` names.
        insert_after: a layer to put after it.
        recipe: fields of the recipe and their new values.
        scale_recipe: fields of the recipe and the factor that each is multiplied with.
        reset_recipe: fields of the recipe that go back to their defaults.
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
            raise ValueError(f"an edit has exactly one of {', '.join((*_ON_LAYERS, *_ON_RECIPE))}; {what}")
        if (given[0] in _ON_LAYERS) != (self.layers is not None):
            rule = (
                'says which layers it is about, e.g. layers = "conv*"'
                if self.layers is None
                else "is about the recipe; leave layers out"
            )
            raise ValueError(f"an edit with {given[0]} {rule}")
        return self

    @property
    def on_recipe(self) -> bool:
        """Whether it changes the recipe, and not the design."""
        return self.layers is None


class Alternative(Part):
    """What could have been chosen.

    Attributes:
        name: for tables.
        edits: what makes the alternative out of the design, applied in order.
        match: also measure a twin of it whose widths are solved so that its parameters (or MACs) are those of the
            design: the difference is then not one of size.
    """

    name: Name
    edits: Annotated[tuple[Edit, ...], Field(min_length=1, max_length=64)]
    match: Matched | None = None


class Decision(Part):
    """One choice that the designer made, and what it was made against.

    Attributes:
        name: what the decision is about, for commands and tables.
        chosen: what the design has, in words.
        because: why, in the designer's words.
        given: edits under which the design and every alternative of this decision are trained: a dropout rate can only
            be measured with a recipe that leaves it alone.
        alternatives: what to hold it against.
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
            raise ValueError(f'two alternatives are called "{twice}"; each needs its own name')
        return self
