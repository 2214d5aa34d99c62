"""Designs as TOML files: reading with errors that point at the spot, and writing back."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from muslin._files import write_text
from muslin.design.claim import Claim
from muslin.design.design import Design
from muslin.design.layers import Layer
from muslin.errors import DesignError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LARGEST_FILE = 1_000_000  # bytes; the library's longest design is a hundredth of that
_LAYER_TYPES = {kind.model_fields["kind"].default: kind for kind in get_args(get_args(Layer)[0])}


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
    if name in library():
        text = (resources.files("muslin") / "designs" / f"{name}.toml").read_text(encoding="utf-8")
        return parse_design(text, name)
    path = Path(source)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise DesignError(f"{path}: too long for a design: over {LARGEST_FILE:,} bytes.")
        return parse_design(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        near = get_close_matches(name, library(), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise DesignError(
            f"there is no design '{name}': neither a file nor one of the library's ({', '.join(library())}).{hint} "
            "`muslin new NAME.toml` starts one."
        ) from error
    except UnicodeDecodeError as error:
        raise DesignError(f"{path}: byte {error.start} is not UTF-8; a design is a TOML text file.") from error
    except OSError as error:
        raise DesignError(f"{path} can't be read: {error.strerror}. Give a TOML file or a library name.") from error


def parse_design(text: str, origin: str = "design") -> Design:
    """Read a design from TOML text; `origin` stands in error messages where a file's name would.

    Raises:
        DesignError: the text is not TOML, or not a valid design.
    """
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DesignError(f"{origin}: not valid TOML: {error}. A text value needs quotes.") from error
    try:
        return Design.model_validate(content)
    except ValidationError as error:
        raise DesignError(_explain(error, content, origin)) from error


def save_design(design: Design, path: str | Path) -> None:
    """Write `design` as TOML; `load_design` gives an equal design back.

    Raises:
        MuslinError: the file can't be written.
    """
    write_text(Path(path), format_design(design))


def format_design(design: Design) -> str:
    """The design as TOML text, defaults included so that the file says everything.

    >>> print(format_design(load_design("dense_baseline")).splitlines()[0])
    name = "dense_baseline"
    """
    import tomlkit  # noqa: PLC0415  (25 ms that reading a design doesn't need)

    def keep(table: dict[str, Any]) -> dict[str, Any]:
        # Which layer it is comes first, then its name, then the rest; what is empty is left out.
        order = sorted(table, key=lambda key: {"kind": 0, "name": 1}.get(key, 2))
        return {key: table[key] for key in order if table[key] not in (None, "")}

    content = design.model_dump(mode="json")
    content["layers"] = [keep(layer) for layer in content["layers"]]
    content["claims"] = [keep(claim) for claim in content["claims"]]
    return tomlkit.dumps({key: value for key, value in content.items() if value not in (None, "", [])})


def _explain(error: ValidationError, content: dict[str, Any], origin: str) -> str:
    problems = error.errors(include_url=False)
    first = problems[0]
    more = f" ({len(problems) - 1} more after this one.)" if len(problems) > 1 else ""
    return f"{origin}: {_place(first, content)}{_rule(first, content)}.{more}"


def _place(problem: ErrorDetails, content: dict[str, Any]) -> str:
    location = problem["loc"]
    if len(location) < 2 or not isinstance(location[1], int) or not isinstance(content.get(str(location[0])), list):
        return ""
    group, index = str(location[0]), location[1]
    entry = content[group][index]
    named = entry.get("name") or entry.get("says") if isinstance(entry, dict) else None
    label = f" '{named}'" if named else ""
    return f"{group.removesuffix('s')} {index + 1}{label}: "


def _rule(problem: ErrorDetails, content: dict[str, Any]) -> str:
    kind, location = problem["type"], problem["loc"]
    words = [str(part) for part in location if isinstance(part, str) and part not in _LAYER_TYPES]
    field = words[-1] if words else ""
    if field in ("layers", "claims"):
        field = ""
    if kind == "extra_forbidden":
        allowed = _fields(location, content)
        near = get_close_matches(field, allowed, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known fields: {', '.join(allowed)}"
        return f"unknown field '{field}' = {problem['input']!r}; {hint}"
    if kind == "missing":
        return f"the field '{field}' is missing"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        given = problem["input"].get("kind") if isinstance(problem["input"], dict) else problem["input"]
        return f"kind = {given!r} is not a kind of layer; there are {', '.join(_LAYER_TYPES)}"
    message = problem["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return message
    if kind == "string_pattern_mismatch":
        message = "should start with a letter and hold only letters, digits and underscores, at most 64"
    return f"{field} = {problem['input']!r}: {message[0].lower()}{message[1:]}"


def _fields(location: tuple[int | str, ...], content: dict[str, Any]) -> list[str]:
    if location[0] == "layers" and len(location) > 2:
        index = location[1]
        assert isinstance(index, int)  # noqa: S101  (pydantic's location of a list item)
        return list(_LAYER_TYPES[content["layers"][index]["kind"]].model_fields)
    return list((Claim if location[0] == "claims" else Design).model_fields)
