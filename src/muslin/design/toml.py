"""Designs as TOML files: reading, with errors that point at the location, and writing."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from muslin._disk.files import write_text
from muslin._toml import LARGEST_FILE, parse_toml
from muslin._words import nearest
from muslin.design.design import Design
from muslin.design.explain import explain, explain_toml, plain
from muslin.errors import DesignError

BASELINE = "dense_baseline"  # baseline of designs that do not name one
NO_BASELINE = "none"
LONGEST_PATH = 400  # largest number of characters of a path that a message repeats
WIDTH = 100  # largest number of characters in a line of a written design

# Order of the fields in the table of a layer: identity, numbers, reason.
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
    """Return the names of the designs that ship with Muslin, sorted.

    >>> library()
    ('custom_cnn', 'dense_baseline')
    """
    folder = resources.files("muslin") / "designs"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load_design(source: str | Path) -> Design:
    """Read a design from the library or from a TOML file.

    Args:
        source: name of a library design (``"custom_cnn"`` or ``"dense_baseline"``), or path of a TOML file.

    Raises:
        DesignError: if there is no such design, or the file is not a valid design. The message names the file, the
            line or layer, the field, its value and the rule.

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
                f"{shown}: too large for a design (more than {LARGEST_FILE:,} bytes). Check that the path is right."
            )
        # utf-8-sig: some editors write a byte order mark before the first character.
        return parse_design(content.decode("utf-8-sig"), shown)
    except FileNotFoundError as error:
        near = nearest(name, library())
        hint = f"Did you mean '{near}'?" if near else "`muslin new NAME.toml` creates one."
        raise DesignError(
            f"no design '{shown}': it is neither in the library ({', '.join(library())}) nor an existing file. {hint}"
        ) from error
    except UnicodeDecodeError as error:
        raise DesignError(
            f"{shown}: byte {error.start + 1} is not UTF-8; a design must be a TOML text file. "
            "Check that the path is right."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: the path is invalid
        reason = getattr(error, "strerror", None) or str(error)
        raise DesignError(
            f"{shown} cannot be read: {reason.lower()}. Pass a TOML file or the name of a library design."
        ) from error


def load_baseline(design: Design, choice: str | None = None) -> Design | None:
    """Read the baseline to compare a design with, and fit it to the same images and classes.

    Args:
        design: design that needs a baseline.
        choice: name of a library design, path, or "none" (default: the design's own `baseline`, otherwise
            "dense_baseline").

    Returns:
        The baseline, or None if `choice` is "none" or the baseline would be the design itself.

    Raises:
        DesignError: if the baseline cannot be read, or does not fit the design's images.

    >>> load_baseline(load_design("custom_cnn")).name
    'dense_baseline'
    """
    name = choice or design.baseline or BASELINE
    if name == NO_BASELINE:
        return None
    baseline = load_design(name).fitted_to(design.input_shape, design.classes)
    return None if baseline == design else baseline


def parse_design(text: str, origin: str = "design") -> Design:
    """Read a design from TOML text.

    Args:
        text: content of a design file.
        origin: name of the source in error messages (default "design").

    Raises:
        DesignError: if the text is not TOML, or not a valid design.
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
    """Write a design to a TOML file, from which `load_design` reads an equal design.

    Args:
        design: design to write.
        path: path of the file.

    Raises:
        MuslinError: if the file cannot be written.
    """
    write_text(Path(path), format_design(design))


def format_design(design: Design) -> str:
    """Format a design as TOML text, including default values, with long texts wrapped.

    >>> print(format_design(load_design("dense_baseline")).splitlines()[0])
    name = "dense_baseline"
    """
    import tomlkit  # noqa: PLC0415  (takes 25 ms; only writing needs it)

    from muslin.design._decision_toml import as_table  # noqa: PLC0415  (imports tomlkit)

    def keep(table: dict[str, Any]) -> dict[str, Any]:
        # Empty fields are omitted; Design restores their defaults.
        order = [key for key in FIELDS if key in table] or table
        return {key: table[key] for key in order if table[key] not in (None, "")}

    content = design.model_dump(mode="json")
    content["layers"] = [keep(layer) for layer in content["layers"]]
    content["claims"] = [keep(claim) for claim in content["claims"]]
    content["decisions"] = [as_table(decision, keep) for decision in design.decisions]
    text = tomlkit.dumps({key: value for key, value in content.items() if value not in (None, "", [])})
    return "\n".join(line for long in text.split("\n") for line in _wrapped(long))


def _wrapped(line: str) -> list[str]:
    """Wrap a text that is too long for one line; a backslash at the end of a line removes the line break."""
    found = re.fullmatch(r'(\w+) = "([^ ].*)"', line)
    if len(line) <= WIDTH or found is None:
        return [line]
    lines = [""]
    for word in re.findall(r"[^ ]+ *", found[2]):  # spaces stay at the line's end: TOML drops those at its start
        if lines[-1] and len(lines[-1]) + len(word.rstrip()) >= WIDTH:
            lines.append("")
        lines[-1] += word
    return [f'{found[1]} = """\\', *(f"{start}\\" for start in lines[:-1]), f'{lines[-1]}"""']
