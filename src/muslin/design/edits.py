"""Applying edits: from a design and a recipe to those of an alternative."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

from muslin.design.decision import Edit
from muslin.errors import RecipeError
from muslin.recipe import Recipe, load_recipe, recipes

Content = dict[str, Any]


def edit_layers(layers: list[Content], edits: Iterable[Edit]) -> list[Content]:
    """The layers as plain tables, with the edits on layers applied in order.

    Raises:
        ValueError: an edit finds no layer, or nothing to change in it; the message states the rule.
    """
    for edit in edits:
        if not edit.on_recipe:
            layers = _edited(layers, edit)
    return layers


def edit_recipe(recipe: Recipe, edits: Iterable[Edit]) -> Recipe:
    """The recipe with the edits on recipes applied in order.

    Raises:
        RecipeError: an edit names a field that this recipe does not have, or gives a value out of range.
    """
    for edit in edits:
        content = recipe.model_dump()
        for name in edit.reset_recipe:
            known = Recipe.model_fields.get(name)
            if known is None or known.is_required():
                raise RecipeError(f"recipe '{recipe.name}' has no field '{name}' with a default to go back to.")
            content[name] = known.get_default()
        for name, factor in edit.scale_recipe:
            table, field = _inside(content, name)
            value = table.get(field)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise RecipeError(f"recipe '{recipe.name}': '{name}' is not a number that could be scaled.")
            table[field] = _scaled(value, factor)
        for name, _ in edit.recipe:
            if name.endswith(".kind"):  # another optimizer: nothing of the old one stays
                content[name.removesuffix(".kind")] = {}
        for name, value in edit.recipe:
            table, field = _inside(content, name)
            table[field] = value
        if edit.on_recipe:
            recipe = recipe.with_(**content)
    return recipe


def check_recipe_edits(edits: Iterable[Edit]) -> None:
    """See that some recipe of the library takes the edits.

    Raises:
        ValueError: none does; the message is that of the first.
    """
    edits = [edit for edit in edits if edit.on_recipe]
    problems = []
    for name in recipes() if edits else ():
        try:
            edit_recipe(load_recipe(name), edits)
        except RecipeError as error:
            problems.append(str(error).rstrip("."))
        else:
            return
    if problems:
        raise ValueError(f"no recipe of the library takes this edit; {problems[0]}")


def _edited(layers: list[Content], edit: Edit) -> list[Content]:
    found = [layer for layer in layers if fnmatchcase(layer["name"], edit.layers or "")]
    if not found:
        names = ", ".join(layer["name"] for layer in layers)
        raise ValueError(f'layers = "{edit.layers}" fits no layer; there are {names}')
    if edit.set:
        return _changed(layers, found, lambda layer: {**layer, **_settable(layer, dict(edit.set))})
    if edit.scale:
        return _changed(layers, found, lambda layer: {**layer, **_factors(layer, dict(edit.scale))})
    if edit.replace:
        if "name" in dict(edit.replace):
            raise ValueError("a replacement takes over the old layer's name; leave name out")
        return _changed(layers, found, lambda layer: {**dict(edit.replace), "name": layer["name"]})
    if edit.drop:
        return [layer for layer in layers if layer not in found]
    new = edit.insert_before or edit.insert_after
    assert new is not None  # noqa: S101  (an edit has one action, and it is none of the others)
    if len(found) > 1:
        raise ValueError(f'layers = "{edit.layers}" fits {len(found)} layers; a layer is inserted beside one')
    place = layers.index(found[0]) + (edit.insert_after is not None)
    return [*layers[:place], new.model_dump(), *layers[place:]]


def _changed(layers: list[Content], found: list[Content], change: Callable[[Content], Content]) -> list[Content]:
    return [change(layer) if layer in found else layer for layer in layers]


def _settable(layer: Content, fields: Content) -> Content:
    for name in fields:
        if name in ("kind", "name"):
            raise ValueError(f"set can't change the {name} of layer '{layer['name']}'; replace the layer")
        if name not in layer:
            raise ValueError(f"layer '{layer['name']}' ({layer['kind']}) has no field {name}")
    return fields


def _factors(layer: Content, factors: dict[str, float]) -> Content:
    for name in factors:
        if isinstance(layer.get(name), bool) or not isinstance(layer.get(name), int | float):
            raise ValueError(f"layer '{layer['name']}' ({layer['kind']}) has no number {name} that could be scaled")
    return {name: _scaled(layer[name], factor) for name, factor in factors.items()}


def _scaled(value: float, factor: float) -> float:
    return max(1, round(value * factor)) if isinstance(value, int) else value * factor


def _inside(content: Content, dotted: str) -> tuple[Content, str]:
    """The table that a dotted name points into, made where there is none, and the field's name."""
    *tables, field = dotted.split(".")
    for name in tables:
        if not isinstance(content.get(name), dict):
            content[name] = {}
        content = content[name]
    return content, field
