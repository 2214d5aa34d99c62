"""Validation of a recipe's plain values, with messages that name the field, its value and the rule."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from muslin._toml import WIDEST_NUMBER
from muslin._words import nearest
from muslin.errors import RecipeError
from muslin.recipe._part import Part
from muslin.recipe.augmentation import Augmentation
from muslin.recipe.distillation import Distillation
from muslin.recipe.optimizers import Adam, Muon
from muslin.recipe.schedule import Constant, EarlyStopping, Linear, Plateau

Model = TypeVar("Model", bound=Part)

# The parts by their steps in the location of an error: the kind of a part that has several, else its field.
_KINDS: dict[str, type[Part]] = {"adam": Adam, "muon": Muon, "constant": Constant, "linear": Linear}
_PARTS: dict[str, type[Part]] = {
    **_KINDS,
    "early_stopping": EarlyStopping,
    "plateau": Plateau,
    "augmentation": Augmentation,
    "distillation": Distillation,
}


def validated(model: type[Model], content: dict[str, Any], origin: str) -> Model:
    """Make a recipe from plain values.

    Args:
        model: class of the recipe.
        content: fields and tables of the recipe.
        origin: name of the source in error messages.

    Raises:
        RecipeError: if a field is unknown, missing or out of range.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"] if part not in _KINDS)
        if first["type"] == "extra_forbidden":
            raise unknown_field(model, first["loc"], field, origin) from error
        if first["type"] == "missing":
            raise RecipeError(f"{origin}: required field '{field:.100}' is missing.") from error
        message = first["msg"]
        raise RecipeError(
            f"{origin}: {field:.100} = {_shown(first['input'])}: {message[0].lower()}{message[1:]:.300}."
        ) from error


def unknown_field(model: type[Part], location: tuple[int | str, ...], field: str, origin: str) -> RecipeError:
    """Make the error about an unknown field, with the field that its name resembles, or else the known fields.

    Args:
        model: class of the recipe.
        location: steps from the recipe to the field.
        field: name of the field in the message.
        origin: name of the source in the message.
    """
    *path, name = location
    part: type[BaseModel] = model
    for step in path:
        part = _PARTS.get(str(step), part)
    near = nearest(str(name), part.model_fields)
    hint = f"did you mean '{near}'?" if near else f"known fields: {', '.join(part.model_fields)}."
    return RecipeError(f"{origin}: unknown field '{field:.100}'; {hint}")


def _shown(value: object) -> str:
    """Format a value for a message, shortened to a bounded length."""
    if isinstance(value, int) and value.bit_length() > WIDEST_NUMBER:
        return "a number with too many digits"
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return f"{value!r:.60}" if isinstance(value, str) else f"{value!s:.60}"
