"""Which tests train: found by looking at what a test, its fixtures and their helpers call.

`make test-fast` leaves them out. A test that trains in a way that cannot be seen from its code, such as a program in a
string, says so itself: ``@pytest.mark.trains``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
VERBS = {"train", "run", "ablate", "profile"}
# Functions and classes of Muslin that train, and those that run what is typed.
TRAINING = VERBS | {"fit", "train_into", "teach", "run_everything", "resume", "conduct", "run_trial", "work"}
TRAINING |= {"Training", "LocalExecutor", "RayExecutor"}
COMMAND_LINES = {("muslin.cli", "main"), ("muslin.cli", "muslin"), ("helpers.shell", "muslin")}


def trains(item: pytest.Item) -> bool:
    """Whether a test trains a network, or needs a fixture that does."""
    functions = [getattr(item, "obj", None)]
    if info := getattr(item, "_fixtureinfo", None):
        functions += [definition.func for found in info.name2fixturedefs.values() for definition in found]
    return any(_is_training(function) for function in functions if isinstance(function, FunctionType))


@cache
def _is_training(function: FunctionType) -> bool:
    return _trains(function, set())


def _trains(function: FunctionType, seen: set[CodeType]) -> bool:
    seen.add(function.__code__)
    typed = False
    for value in _used(function):
        module, name = _name(value)
        if module.startswith("muslin.") and name in TRAINING:
            return True
        typed = typed or (module, name) in COMMAND_LINES
        if isinstance(value, FunctionType) and _is_a_helper(value):
            if value.__code__ not in seen and _trains(value, seen):
                return True
            # A helper that hands on what is typed: then the verb stands in its caller.
            typed = typed or any(_name(other) in COMMAND_LINES for other in _used(value))
    return typed and not VERBS.isdisjoint(_texts(function.__code__))


def _name(value: object) -> tuple[str, str]:
    """Module and name, where they are text: an expression of Polars, say, has any attribute."""
    found = (getattr(value, attribute, None) for attribute in ("__module__", "__name__"))
    module, name = (text if isinstance(text, str) else "" for text in found)
    return module, name


def _is_a_helper(function: FunctionType) -> bool:
    return Path(function.__code__.co_filename).is_relative_to(TESTS) and _name(function) not in COMMAND_LINES


def _used(function: FunctionType) -> Iterator[Any]:
    """The values of the global names in a function's code, and of attributes of modules among them."""
    for code in _codes(function.__code__):
        values = [function.__globals__[name] for name in code.co_names if name in function.__globals__]
        yield from values
        for module in (value for value in values if isinstance(value, ModuleType)):
            yield from (getattr(module, name, None) for name in code.co_names if name in _names(module))


@cache
def _names(module: ModuleType) -> frozenset[str]:
    return frozenset(dir(module))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _texts(code: CodeType) -> set[str]:
    constants = [constant for each in _codes(code) for constant in each.co_consts]
    parts = [part for constant in constants for part in (constant if isinstance(constant, tuple) else (constant,))]
    return {part for part in parts if isinstance(part, str)}
