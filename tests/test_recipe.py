"""Recipes: the reasons in the library's, and the errors about bad ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpers import golden
from muslin.errors import RecipeError
from muslin.recipe import load_recipe, parse_recipe, recipes

START = 'name = "mine"\nepochs = 2\n'

# Case → content of the file, and what the message must name: the field, its value or the remedy.
BAD = {
    "an unknown field": (START + "pixels = 3", ("'pixels'", "name, because, epochs")),
    "a misspelled field": (START + "epoch = 3", ("'epoch'", "'epochs'?")),
    "a misspelled field of an optimizer": (
        START + '[optimizer]\nkind = "muon"\nmomentun = 0.9',
        ("'optimizer.momentun'", "'momentum'?"),
    ),
    "a misspelled field of a table": (START + "[augmentation]\nflips = true", ("'augmentation.flips'", "'flip'?")),
    "a missing field": ('name = "mine"', ("'epochs'", "missing")),
    "a number out of range": ('name = "mine"\nepochs = -1', ("epochs = -1", "1.")),
    "a number with too many digits": (f'name = "mine"\nepochs = {"9" * 100}', ("epochs = a number", "1000000")),
    "a table in place of a number": ('name = "mine"\n[epochs]\nfirst = 2', ("epochs = a table", "integer")),
    "an unknown choice": (START + 'initialization = "lsuv"', ("initialization = 'lsuv'", "'glorot', 'he'")),
    "text that is not TOML": ("epochs 2", ("TOML", "line 1, column 8")),
}


def refusal(text: str) -> str:
    with pytest.raises(RecipeError) as refused:
        parse_recipe(text, "mine.toml")
    return str(refused.value)


@pytest.mark.parametrize(("text", "named"), BAD.values(), ids=BAD)
def test_a_bad_recipe_is_refused_by_field_value_and_rule(text: str, named: tuple[str, ...]) -> None:
    message = refusal(text)
    assert message.startswith("mine.toml: ")
    for part in named:
        assert part in message


def test_an_unknown_recipe_is_told_what_there_is_and_what_was_meant(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"'fats'.*fast.* Did you mean 'fast'\?"):
        load_recipe("fats")
    with pytest.raises(RecipeError, match=r"none\.toml.*best, fast, notebook"):
        load_recipe(tmp_path / "none.toml")


def test_the_wording_of_recipe_errors(tmp_path: Path) -> None:
    messages = {case: refusal(text) for case, (text, _) in BAD.items()}
    large = tmp_path / "large.toml"
    large.write_text("#" * 200_001)
    for name in ("fats", "none.toml", str(large)):
        with pytest.raises(RecipeError) as refused:
            load_recipe(name)
        messages[f"the file {Path(name).name}"] = str(refused.value).replace(f"{tmp_path}{os.sep}", "")
    golden.compare("recipe", messages)


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_of_the_library_states_its_reason(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert len(recipe.because) > 80
