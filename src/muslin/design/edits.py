"""Application of edits: the design and the recipe of an alternative."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

from muslin.design.decision import Edit
from muslin.errors import RecipeError
from muslin.recipe import Recipe, load_recipe, recipes

Content = dict[str, Any]


def edit_layers(layers: list[Content], edits: Iterable[Edit]) -> list[Content]:
    """Apply the edits on layers, in order; edits on the recipe are ignored.

    Args:
        layers: layers as plain tables.
        edits: edits to apply.

    Returns:
        Edited layers as plain tables.

    Raises:
        ValueError: if an edit selects no layer, or a field that the layer does not have.
    """
    for edit in edits:
        if not edit.on_recipe:
            layers = _edited(layers, edit)
    return layers


def edit_recipe(recipe: Recipe, edits: Iterable[Edit]) -> Recipe:
    """Apply the edits on the recipe, in order; edits on layers are ignored.

    Raises:
        RecipeError: if an edit names a field that this recipe does not have, or sets a value out of range.
    """
    for edit in edits:
        content = recipe.model_dump()
        for name in edit.reset_recipe:
            known = Recipe.model_fields.get(name)
            if known is None or known.is_required():
                raise RecipeError(f"recipe '{recipe.name}' has no field '{name}' that can be reset to a default.")
            content[name] = known.get_default()
        for name, factor in edit.scale_recipe:
            table, field = _inside(content, name)
            value = table.get(field)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise RecipeError(f"recipe '{recipe.name}': field '{name}' is not a number and cannot be scaled.")
            table[field] = _scaled(value, factor)
        for name, _ in edit.recipe:
            if name.endswith(".kind"):  # another optimizer or schedule: discard the settings of the old one
                content[name.removesuffix(".kind")] = {}
        for name, value in edit.recipe:
            table, field = _inside(content, name)
            table[field] = value
        if edit.on_recipe:
            recipe = recipe.with_(**content)
    return recipe


def check_recipe_edits(edits: Iterable[Edit]) -> None:
    """Ensure that the edits apply to at least one recipe of the library.

    Raises:
        ValueError: if they apply to none; the message is that of the first recipe.
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
        raise ValueError(f"the edit applies to no recipe of the library; {problems[0]}")


def _edited(layers: list[Content], edit: Edit) -> list[Content]:
    found = [layer for layer in layers if fnmatchcase(layer["name"], edit.layers or "")]
    if not found:
        names = ", ".join(layer["name"] for layer in layers)
        raise ValueError(f'layers = "{edit.layers}" matches no layer; the layers are {names}')
    if edit.set:
        return _changed(layers, found, lambda layer: {**layer, **_settable(layer, dict(edit.set))})
    if edit.scale:
        return _changed(layers, found, lambda layer: {**layer, **_factors(layer, dict(edit.scale))})
    if edit.replace:
        if "name" in dict(edit.replace):
            raise ValueError("a replacement keeps the name of the layer that it replaces; remove name")
        return _changed(layers, found, lambda layer: {**dict(edit.replace), "name": layer["name"]})
    if edit.drop:
        return [layer for layer in layers if layer not in found]
    new = edit.insert_before or edit.insert_after
    assert new is not None  # noqa: S101  (the only action that is left)
    if len(found) > 1:
        raise ValueError(f'layers = "{edit.layers}" matches {len(found)} layers; an insertion needs exactly one')
    place = layers.index(found[0]) + (edit.insert_after is not None)
    return [*layers[:place], new.model_dump(), *layers[place:]]


def _changed(layers: list[Content], found: list[Content], change: Callable[[Content], Content]) -> list[Content]:
    return [change(layer) if layer in found else layer for layer in layers]


def _settable(layer: Content, fields: Content) -> Content:
    for name in fields:
        if name in ("kind", "name"):
            rule = "use replace instead" if name == "kind" else "a layer keeps its name"
            raise ValueError(f"set cannot change the {name} of layer '{layer['name']}'; {rule}")
        if name not in layer:
            raise ValueError(f"layer '{layer['name']}' ({layer['kind']}) has no field {name}")
    return fields


def _factors(layer: Content, factors: dict[str, float]) -> Content:
    for name in factors:
        if isinstance(layer.get(name), bool) or not isinstance(layer.get(name), int | float):
            raise ValueError(f"layer '{layer['name']}' ({layer['kind']}) has no numeric field {name} to scale")
    return {name: _scaled(layer[name], factor) for name, factor in factors.items()}


def _scaled(value: float, factor: float) -> float:
    return max(1, round(value * factor)) if isinstance(value, int) else value * factor


def _inside(content: Content, dotted: str) -> tuple[Content, str]:
    """Split a dotted name into the table it refers to, created if necessary, and the name of the field."""
    *tables, field = dotted.split(".")
    for name in tables:
        if not isinstance(content.get(name), dict):
            content[name] = {}
        content = content[name]
    return content, field
