"""How objects show themselves: a line in the interpreter, a small HTML table in a notebook.

The HTML is self-contained and has no scripts. It sets no text or background color, so it suits light and dark pages,
and it remains readable where a code hosting site removes the styles. All text is escaped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pydantic import BaseModel

LONGEST = 160  # characters of a line: two rows of an 80-column terminal
MOST_ROWS = 20  # of a table; longer tables show their first and last rows
_NAME = 64  # characters of a name within a line
_CELL = 200  # characters of a table cell
_PARAGRAPH = 400  # characters of a paragraph
_RULE = "1px solid rgba(128,128,128,.35)"
_UNSAID = ("kind", "because")  # fields that a line leaves out: the class name says the first, and the second is long


def line(kind: str, *parts: str) -> str:
    """Return the representation of an object in one line.

    Args:
        kind: name of the class.
        parts: what to say of the object; empty parts are left out.

    >>> line("Split", "500 images", "", "28×28×1")
    'Split(500 images, 28×28×1)'
    """
    return f"{kind}({shortened(', '.join(part for part in parts if part), LONGEST - len(kind) - 2)})"


def quoted(name: str) -> str:
    """Return a name in quotes, cut if it is long."""
    return repr(shortened(name, _NAME))


def shortened(text: str, most: int) -> str:
    r"""Return a text on one line, cut with an ellipsis if it is longer than `most` characters.

    >>> shortened("a  long\ntext", 7)
    'a long…'
    """
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def described(model: BaseModel) -> str:
    """Return the line for a pydantic model: its fields, without those that have their default value."""
    parts = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if name in _UNSAID or (not field.is_required() and value == field.default):
            continue
        parts.append(quoted(value) if name == "name" else f"{name}={_value(value)}")
    return line(type(model).__name__, *parts)


def _value(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, tuple | dict) and len(repr(value)) > _NAME:
        return f"<{len(value)} items>"
    return shortened(repr(value), _NAME)


def near(path: Path) -> str:
    """Return a path as a person would write it: relative if it is inside the working folder.

    >>> near(Path.cwd() / "runs" / "a")
    'runs/a'
    """
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):  # OSError: the working folder was deleted
        return str(path)


def public_names(value: object, *inherited: type) -> list[str]:
    """Return the names that tab completion offers: the public ones.

    Args:
        value: the object.
        inherited: base classes from a library, whose names are left out.
    """
    hidden = {name for base in inherited for name in dir(base)}
    return sorted(name for name in object.__dir__(value) if not name.startswith("_") and name not in hidden)


class Described:
    """A mixin for pydantic models: shows a model in one line, and completes its fields and Muslin's own methods."""

    __slots__ = ()

    def __repr__(self) -> str:
        return described(cast("BaseModel", self))

    def __str__(self) -> str:
        return repr(self)

    def __dir__(self) -> list[str]:
        from pydantic import BaseModel  # noqa: PLC0415  (loaded already where there is a model)

        return sorted({*cast("BaseModel", self).__class__.model_fields, *public_names(self, BaseModel)})


def panel(title: str, subtitle: str, *parts: str) -> str:
    """Return the HTML that a notebook shows for an object.

    Args:
        title: name of the object.
        subtitle: text after the title.
        parts: tables and paragraphs as HTML.
    """
    heading = f"<strong>{_escaped(title, _CELL)}</strong> {_escaped(subtitle, _PARAGRAPH)}".strip()
    return f'<div style="overflow-x:auto"><p style="margin:.3em 0">{heading}</p>{"".join(parts)}</div>'


def paragraph(text: str) -> str:
    """Return a paragraph as HTML; empty text gives nothing."""
    return f'<p style="margin:.3em 0">{_escaped(text, _PARAGRAPH)}</p>' if text else ""


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, text: Sequence[int] = (0,), total: Sequence[str] = ()
) -> str:
    """Return a table as HTML. Each row begins with its heading.

    Args:
        heads: column headings.
        rows: cells as text, row by row. Beyond 20 rows, only the first and the last are shown.
        text: columns that are aligned to the left; the others hold numbers (default: the first).
        total: cells of a last row, set off by a line (default: none).
    """
    every = list(rows)
    shown = [_row(row, text) for row in every[:MOST_ROWS]]
    if len(every) > MOST_ROWS:
        half = MOST_ROWS // 2
        hidden = len(every) - 2 * half
        gap = f'<tr><td colspan="{len(heads)}" style="text-align:left">… {hidden:,} more rows …</td></tr>'
        shown = [*(_row(row, text) for row in every[:half]), gap, *(_row(row, text) for row in every[-half:])]
    foot = f'<tfoot style="border-top:{_RULE}">{_row(total, text)}</tfoot>' if total else ""
    head = "".join(
        f'<th scope="col" style="{_look(column in text)};border-bottom:{_RULE}">{escape(name)}</th>'
        for column, name in enumerate(heads)
    )
    return (
        '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.3em 0">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(shown)}</tbody>{foot}</table>"
    )


def _row(cells: Sequence[str], text: Sequence[int]) -> str:
    written = []
    for column, cell in enumerate(cells):
        tag, scope = ("th", ' scope="row"') if column == 0 else ("td", "")
        weight = ";font-weight:normal" if column == 0 else ""
        look = f"{_look(column in text)}{weight}"
        written.append(f'<{tag}{scope} style="{look}">{_escaped(cell, _CELL)}</{tag}>')
    return f"<tr>{''.join(written)}</tr>"


def _look(words: bool) -> str:
    return f"text-align:{'left' if words else 'right'};padding:.15em .8em;vertical-align:top"


def _escaped(text: str, most: int) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return escape(shortened(printable, most))


def first_sentence(text: str) -> str:
    """Return the first sentence of a text.

    >>> first_sentence("Keeps the size. Then more.")
    'Keeps the size.'
    """
    words = " ".join(text.split())
    end = words.find(". ")
    return words if end < 0 else words[: end + 1]


def in_notebook() -> bool:
    """Return whether this Python runs in a Jupyter kernel, so that a notebook shows what is displayed."""
    ipython = sys.modules.get("IPython")
    shell: Callable[[], Any] | None = getattr(ipython, "get_ipython", None)
    running = shell() if shell is not None else None
    return running is not None and hasattr(running, "kernel")
