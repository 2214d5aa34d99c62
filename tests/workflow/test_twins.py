"""The command line and Python are twins: each verb is a function with the same options and the same defaults."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import click
import pytest

import muslin
from muslin.cli import VERBS
from muslin.cli import muslin as command_line
from muslin.data import Reading, ReadingOptions

# The package `muslin.data` has the verb's name; `muslin.load_data` is its twin, and calls the images `path`.
FUNCTIONS = {"data": "load_data"}
COMMAND_ONLY = {"as_json", "quiet", "verbose"}  # how an answer is printed
PYTHON_ONLY = {"callbacks", "progress", "watch"}  # objects that hear what is done
LOAD_DATA_ONLY = {"download"}
VERBS_OF_PYTHON = sorted(VERBS.keys() - {"help"})


def command(verb: str) -> dict[str, click.Parameter]:
    found = command_line.get_command(click.Context(command_line), verb)
    assert found is not None
    return {str(each.name): each for each in found.params if each.name not in COMMAND_ONLY}


def function(verb: str) -> dict[str, inspect.Parameter]:
    named = inspect.signature(getattr(muslin, FUNCTIONS.get(verb, verb))).parameters
    ignored = PYTHON_ONLY | (LOAD_DATA_ONLY if verb == "data" else set())
    found = {("data" if name == "path" else name): each for name, each in named.items() if name not in ignored}
    if found.pop("reading", None):  # **reading: the fields of ReadingOptions, each None by default
        keyword = inspect.Parameter.KEYWORD_ONLY
        found |= {name: inspect.Parameter(name, keyword, default=None) for name in ReadingOptions.__annotations__}
    return found


def plain(default: Any) -> Any:
    """A default as both sides mean it: no paths, no difference between nothing and no values."""
    if isinstance(default, Path):
        return str(default)
    if default in ((), {}, inspect.Parameter.empty) or repr(default) == "Sentinel.UNSET":
        return None
    return default


@pytest.mark.parametrize("verb", VERBS_OF_PYTHON)
def test_a_verb_and_its_function_have_the_same_options(verb: str) -> None:
    assert command(verb).keys() == function(verb).keys()


@pytest.mark.parametrize("verb", VERBS_OF_PYTHON)
def test_a_verb_and_its_function_have_the_same_defaults(verb: str) -> None:
    context = click.Context(command_line)
    ours = {name: plain(each.get_default(context)) for name, each in command(verb).items()}
    theirs = {name: plain(each.default) for name, each in function(verb).items()}
    if verb == "visualize":  # a shell knows text alone
        ours["image"] = int(ours["image"])
    assert {name: value or None for name, value in ours.items()} == {
        name: value or None for name, value in theirs.items()
    }


@pytest.mark.parametrize("verb", VERBS_OF_PYTHON)
def test_every_option_is_documented_on_both_sides(verb: str) -> None:
    for option in command(verb).values():
        if isinstance(option, click.Option):
            assert option.help
    text = inspect.getdoc(getattr(muslin, FUNCTIONS.get(verb, verb))) or ""
    fields = inspect.getdoc(Reading) or ""
    for name in function(verb):
        shown = "path" if verb == "data" and name == "data" else name
        if name in Reading.model_fields:
            assert f"\n    {shown}: " in fields, f"{shown} is not described"
            shown = "**reading"
        assert f"\n    {shown}: " in text, f"{verb}: {shown} is not described"
