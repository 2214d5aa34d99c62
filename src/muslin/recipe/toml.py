"""Reading of recipes from the library and from TOML files."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from muslin._toml import LARGEST_FILE, parse_toml
from muslin._words import nearest
from muslin.errors import RecipeError
from muslin.recipe._validation import validated
from muslin.recipe.recipe import Recipe


def recipes() -> tuple[str, ...]:
    """Return the names of the recipes that ship with Muslin, sorted.

    >>> recipes()
    ('best', 'fast', 'notebook')
    """
    folder = resources.files("muslin") / "recipes"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load_recipe(source: str | Path) -> Recipe:
    """Read a recipe from the library or from a TOML file.

    Args:
        source: name of a library recipe, or path of a TOML file.

    Raises:
        RecipeError: if there is no such recipe, or the file is not a valid recipe.

    >>> load_recipe("notebook").epochs
    50
    """
    name = str(source)
    if name in recipes():
        return parse_recipe((resources.files("muslin") / "recipes" / f"{name}.toml").read_text(encoding="utf-8"), name)
    path = Path(source)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise RecipeError(
                f"{path}: too large for a recipe (more than {LARGEST_FILE:,} bytes). Check that the path is right."
            )
        return parse_recipe(path.read_text(encoding="utf-8"), str(path))
    except (OSError, ValueError) as error:  # ValueError: the content is not text, or the path is invalid
        near = nearest(name, recipes())
        hint = f" Did you mean '{near}'?" if near else ""
        raise RecipeError(
            f"no recipe '{name:.200}': it is neither in the library ({', '.join(recipes())}) nor a TOML file that can "
            f"be read.{hint}"
        ) from error


def parse_recipe(text: str, origin: str = "recipe") -> Recipe:
    """Read a recipe from TOML text.

    Args:
        text: content of a recipe file.
        origin: name of the source in error messages (default "recipe").

    Raises:
        RecipeError: if the text is not TOML, or not a valid recipe.
    """
    try:
        content = parse_toml(text)
    except (ValueError, RecursionError) as error:  # ValueError: also raised for a number of more than 4,300 digits
        raise RecipeError(f"{origin}: not valid TOML: {error!s:.200}.") from error
    return validated(Recipe, content, origin)
