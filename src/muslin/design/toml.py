"""Designs as TOML files: reading with errors that point at the spot, and writing back."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from muslin._disk.files import write_text
from muslin._toml import parse_toml
from muslin._words import nearest
from muslin.design.design import Design
from muslin.design.explain import explain, explain_toml, plain
from muslin.errors import DesignError

BASELINE = "dense_baseline"  # where a design names none
NO_BASELINE = "none"
LONGEST_PATH = 400  # characters of a path that a message repeats
WIDTH = 100  # characters of a line in a design that is written
LARGEST_FILE = 200_000  # bytes; the library's longest design takes 7,000

# How a layer's table reads: which layer it is, its numbers, its reason.
FIELDS = (
    "kind",
    "name",
    "filters",
    "units",
    "rate",
    "kernel",
    "stride",
    "dilation",
    "padding",
    "normalization",
    "activation",
    "because",
)


def library() -> tuple[str, ...]:
    """Names of the designs that ship with Muslin.

    >>> library()
    ('custom_cnn', 'dense_baseline')
    """
    folder = resources.files("muslin") / "designs"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load_design(source: str | Path) -> Design:
    """Read a design: a name from the library, or a path to a TOML file.

    Args:
        source: ``"custom_cnn"``, ``"dense_baseline"``, or the path of a file ending in ``.toml``.

    Raises:
        DesignError: no such design, or the file says something that is not a valid design. The message names the file,
            the line or layer, the field, its value and the rule.

    >>> load_design("dense_baseline").names
    ('flatten', 'hidden', 'output')
    """
    name = str(source)
    shown = plain(name, LONGEST_PATH)
    if name in library():
        text = (resources.files("muslin") / "designs" / f"{name}.toml").read_text(encoding="utf-8")
        return parse_design(text, name)
    path = Path(source)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise DesignError(
                f"{shown}: over {LARGEST_FILE:,} bytes, too long for a design. Is it the one that you meant?"
            )
        # utf-8-sig: some editors put an invisible mark before the first character.
        return parse_design(content.decode("utf-8-sig"), shown)
    except FileNotFoundError as error:
        near = nearest(name, library())
        hint = f"Did you mean '{near}'?" if near else "`muslin new NAME.toml` starts one."
        raise DesignError(
            f"there is no design '{shown}': neither a file nor one of the library's ({', '.join(library())}). {hint}"
        ) from error
    except UnicodeDecodeError as error:
        raise DesignError(
            f"{shown}: byte {error.start + 1} is not UTF-8; a design is a TOML text file. Is it the one that you meant?"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: no file system takes such a name
        reason = getattr(error, "strerror", None) or str(error)
        raise DesignError(f"{shown} can't be read: {reason.lower()}. Give a TOML file or a library name.") from error


def load_baseline(design: Design, choice: str | None = None) -> Design | None:
    """The design to compare `design` with, fitted to the same images and classes.

    Args:
        design: the design that is looked at.
        choice: a name from the library, a path, or "none"; by default the design's own baseline, else the library's.

    Returns:
        None where `choice` is "none" and where the design would be compared with itself.

    Raises:
        DesignError: the baseline can't be read, or can't take the design's images.

    >>> load_baseline(load_design("custom_cnn")).name
    'dense_baseline'
    """
    name = choice or design.baseline or BASELINE
    if name == NO_BASELINE:
        return None
    baseline = load_design(name).fitted_to(design.input_shape, design.classes)
    return None if baseline == design else baseline


def parse_design(text: str, origin: str = "design") -> Design:
    """Read a design from TOML text; `origin` stands in error messages where a file's name would.

    Raises:
        DesignError: the text is not TOML, or not a valid design.
    """
    try:
        content = parse_toml(text)
    except (ValueError, RecursionError) as error:
        raise DesignError(explain_toml(error, text, origin)) from error
    try:
        return Design.model_validate(content)
    except ValidationError as error:
        raise DesignError(explain(error, content, origin)) from error


def save_design(design: Design, path: str | Path) -> None:
    """Write `design` as TOML; `load_design` gives an equal design back.

    Raises:
        MuslinError: the file can't be written.
    """
    write_text(Path(path), format_design(design))


def format_design(design: Design) -> str:
    """The design as TOML text, defaults included so that the file says everything, long texts wrapped.

    >>> print(format_design(load_design("dense_baseline")).splitlines()[0])
    name = "dense_baseline"
    """
    import tomlkit  # noqa: PLC0415  (25 ms that reading a design doesn't need)

    from muslin.design._decision_toml import as_table  # noqa: PLC0415  (tomlkit, too)

    def keep(table: dict[str, Any]) -> dict[str, Any]:
        # What is empty is left out; Design gives it its default.
        order = [key for key in FIELDS if key in table] or table
        return {key: table[key] for key in order if table[key] not in (None, "")}

    content = design.model_dump(mode="json")
    content["layers"] = [keep(layer) for layer in content["layers"]]
    content["claims"] = [keep(claim) for claim in content["claims"]]
    content["decisions"] = [as_table(decision, keep) for decision in design.decisions]
    text = tomlkit.dumps({key: value for key, value in content.items() if value not in (None, "", [])})
    return "\n".join(line for long in text.split("\n") for line in _wrapped(long))


def _wrapped(line: str) -> list[str]:
    """A text too long for a line, over several: a backslash at the end swallows the break and the spaces after it."""
    found = re.fullmatch(r'(\w+) = "([^ ].*)"', line)
    if len(line) <= WIDTH or found is None:
        return [line]
    lines = [""]
    for word in re.findall(r"[^ ]+ *", found[2]):  # spaces stay with the word before, where nothing swallows them
        if lines[-1] and len(lines[-1]) + len(word.rstrip()) >= WIDTH:
            lines.append("")
        lines[-1] += word
    return [f'{found[1]} = """\\', *(f"{start}\\" for start in lines[:-1]), f'{lines[-1]}"""']
