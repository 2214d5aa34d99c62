"""Formatting of decisions for tomlkit: one line per edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tomlkit

from muslin.design.decision import Alternative, Decision, Edit

WIDTH = 90  # largest number of characters of an edit on one line

Keep = Callable[[dict[str, Any]], dict[str, Any]]


def as_table(decision: Decision, keep: Keep) -> dict[str, Any]:
    """Convert a decision to a table for `tomlkit.dumps`.

    Args:
        decision: decision to convert.
        keep: function that drops the empty fields of a layer.
    """
    table: dict[str, Any] = {"name": decision.name, "chosen": decision.chosen}
    if decision.because:
        table["because"] = decision.because
    if decision.given:
        table["given"] = _edits(decision.given, keep)
    table["alternatives"] = [_alternative(alternative, keep) for alternative in decision.alternatives]
    return table


def _alternative(alternative: Alternative, keep: Keep) -> dict[str, Any]:
    table: dict[str, Any] = {"name": alternative.name}
    if alternative.match:
        table["match"] = alternative.match
    table["edits"] = _edits(alternative.edits, keep)
    return table


def _edits(edits: Iterable[Edit], keep: Keep) -> Any:
    """Convert edits to an array with one line per edit, or to tables if a line would be too long."""
    tables = [{name: value for name, value in _fields(edit, keep).items() if value} for edit in edits]
    lines = [_inline(table) for table in tables]
    if any(len(line.as_string()) > WIDTH for line in lines):
        return tables
    array = tomlkit.array()
    for line in lines:
        array.add_line(line, indent="  ")
    array.add_line(indent="")
    return array


def _fields(edit: Edit, keep: Keep) -> dict[str, Any]:
    content = edit.model_dump(mode="json")
    for name in ("insert_before", "insert_after"):
        layer = getattr(edit, name)
        if layer is not None:
            content[name] = keep({"kind": layer.kind, **layer.model_dump(mode="json", exclude_defaults=True)})
    return content


def _inline(table: dict[str, Any]) -> Any:
    inline = tomlkit.inline_table()
    for name, value in table.items():
        inline[name] = _inline(value) if isinstance(value, dict) else value
    return inline
