"""Completion in the shell: the names of designs, recipes, runs, studies and decisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click


def designs(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a design, or the path of a TOML file."""
    from muslin.design import library  # noqa: PLC0415  (only while completing)

    return _names([*library(), *_files(incomplete)], incomplete)


def recipes(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a recipe, or the path of a TOML file."""
    from muslin.recipe import recipes as known  # noqa: PLC0415  (only while completing)

    return _names([*known(), *_files(incomplete)], incomplete)


def runs(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a run below runs/, the newest first, or "latest"."""
    found = sorted(Path("runs").glob("*/run.json"), reverse=True)
    return _names(["latest", *(str(path.parent) for path in found if not path.parent.is_symlink())], incomplete)


def studies(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a study below studies/, the newest first, or "latest"."""
    found = sorted(Path("studies").glob("*/study.sqlite"), reverse=True)
    return _names(["latest", *(str(path.parent) for path in found)], incomplete)


def decisions(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a decision of the design that the command names, or one of its alternatives."""
    from muslin.design import load_design  # noqa: PLC0415  (only while completing)
    from muslin.errors import MuslinError  # noqa: PLC0415  (likewise)

    try:
        design = load_design(context.params.get("design") or "custom_cnn")
    except MuslinError:
        return []
    names = [decision.name for decision in design.decisions]
    if "/" in incomplete:
        names = [f"{each.name}/{other.name}" for each in design.decisions for other in each.alternatives]
    return _names(names, incomplete)


def _files(incomplete: str) -> Iterable[str]:
    folder = Path(incomplete).parent
    return (str(path) for path in sorted(folder.glob("*.toml")))


def _names(known: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]
