"""What the documentation takes from the code when it is built: the command line's and the Python reference.

A hook of MkDocs (`hooks` in mkdocs.yml). A page says where, by a comment: `<!-- generated: command line -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
_CODE = re.compile(r"(`[^`]*`)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in what is generated; point links to files outside of docs/ at their text."""
    for name, write in GENERATED.items():
        marker = f"<!-- generated: {name} -->"
        if marker in markdown:
            markdown = markdown.replace(marker, "\n".join(write()))
    return _outside(markdown, page.file.src_uri)


def _outside(markdown: str, source: str) -> str:
    """Links out of docs/ work in a clone but not on the site: name the file instead."""

    def named(link: re.Match[str]) -> str:
        target = (ROOT / "docs" / PurePosixPath(source).parent / link["target"].partition("#")[0]).resolve()
        if target.is_relative_to(ROOT / "docs") or not target.exists():
            return link[0]
        path = target.relative_to(ROOT).as_posix()
        return f"`{path}`" if link["text"].strip("`") == path else f"{link['text']} (`{path}` in the repository)"

    return re.sub(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>\.\.?/[^)\s]+)\)", named, markdown)


def command_line() -> Iterator[str]:
    """A section for each verb: purpose, usage, options."""
    from muslin.cli import VERBS, muslin

    for name in VERBS:
        context = click.Context(muslin, info_name="muslin")
        command = muslin.get_command(context, name)
        assert command is not None
        yield from _verb(command, click.Context(command, info_name=name, parent=context))


def _verb(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(["muslin", context.info_name or "", *command.collect_usage_pieces(context)])
    yield from ("", f"## `muslin {context.info_name}`", "", "```text", usage, "```", "")
    yield from _prose(command.help or "")
    for option in command.params:
        record = option.get_help_record(context)
        if record is not None:
            names, text = record
            yield from ("", f"`{names}`", f":   {_text(text)}")
    yield ""
    if command.epilog:
        yield from _prose(command.epilog)


def _prose(text: str) -> Iterator[str]:
    """Paragraphs of help; indented ones are kept as they are."""
    for block in re.split(r"\n\s*\n", text.replace("\b\n", "")):
        lines = block.strip("\n").splitlines()
        if lines and all(line.startswith("  ") for line in lines):
            yield from ("", "```text", *lines, "```")
        elif lines:
            yield from ("", _text(" ".join(line.strip() for line in lines)))


def _text(text: str) -> str:
    """Plain text as Markdown, its code kept."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if part.startswith("`") else re.sub(r"([*_<>\[\]|])", r"\\\1", part) for part in parts)


def python() -> Iterator[str]:
    """Every public name with its signature and docstring, functions first."""
    import muslin

    functions = [name for name in muslin.__all__ if name[0].islower()]
    classes = [name for name in muslin.__all__ if name[0].isupper()]
    for heading, names in (("Functions", functions), ("Classes", classes)):
        yield from ("", f"## {heading}", "")
        for name in names:
            yield from (f"::: muslin.{name}", "")


GENERATED: dict[str, Callable[[], Iterator[str]]] = {"command line": command_line, "Python": python}
