"""Recipes: what the library's say, and what is said of a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

from muslin.errors import RecipeError
from muslin.recipe import load_recipe, parse_recipe, recipes

START = 'name = "mine"\nepochs = 2\n'

BAD = {
    "an unknown field": (START + "colour = 3", "unknown field 'colour'; known here: name, because, epochs"),
    "a misspelt field": (START + "epoch = 3", "unknown field 'epoch'; did you mean epochs."),
    "a misspelt field of an optimizer": (
        START + '[optimizer]\nkind = "muon"\nmomentun = 0.9',
        "unknown field 'optimizer.momentun'; did you mean momentum.",
    ),
    "a misspelt field of a table": (
        START + "[augmentation]\nflips = true",
        "unknown field 'augmentation.flips'; did you mean flip.",
    ),
    "a missing field": ('name = "mine"', "the field 'epochs' is missing."),
    "a number out of range": ('name = "mine"\nepochs = -1', "epochs = -1: input should be greater than or equal to 1."),
    "an unknown choice": (START + 'initialization = "lsuv"', "initialization = 'lsuv': input should be 'glorot', 'he'"),
    "no TOML": ("epochs 2", "not valid TOML"),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD)
def test_a_bad_recipe_is_refused_by_field_value_and_rule(text: str, words: str) -> None:
    with pytest.raises(RecipeError) as refused:
        parse_recipe(text, "mine.toml")
    assert str(refused.value).startswith("mine.toml: ")
    assert words in str(refused.value)


def test_an_unknown_recipe_is_told_what_there_is_and_what_was_meant(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"there is no recipe 'fats': the library has .*fast.* Did you mean 'fast'\?"):
        load_recipe("fats")
    with pytest.raises(RecipeError, match=r"no such TOML file can be read\.$"):
        load_recipe(tmp_path / "none.toml")


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_of_the_library_says_why_it_is_as_it_is(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert len(recipe.because) > 80
