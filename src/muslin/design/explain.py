"""Error messages for invalid design files: one sentence that a newcomer can act on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from muslin._toml import WIDEST_NUMBER
from muslin._words import nearest
from muslin.design.claim import Claim
from muslin.design.decision import Alternative, Decision, Edit
from muslin.design.design import MOST_LAYERS, Design
from muslin.design.layer import Part
from muslin.design.layers import Layer

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

LAYER_KINDS = {kind.model_fields["kind"].default: kind for kind in get_args(get_args(Layer)[0])}
LONGEST_VALUE = 60  # largest number of characters of a value that a message repeats
LONGEST_LIST = 6  # largest number of items of a list that a message repeats

_LAYER_NAME = "start with a letter and contain only letters, digits and underscores, at most 64"
_DESIGN_NAME = (
    "start with a letter or digit and contain only letters, digits, dots, hyphens and underscores, at most 64"
)
_SIZE = "be a whole number, or two of them, [height, width]"
# Rules that apply to a field as a whole rather than to one number in it.
_WHOLE_FIELD = {
    "kernel": _SIZE,
    "stride": _SIZE,
    "dilation": _SIZE,
    "input_shape": "be three whole numbers, [height, width, channels]",
    "equals": "be a number, or whole numbers in brackets such as [7, 7, 64]",
}
_MODELS: dict[str, type[Part]] = {
    "claims": Claim,
    "decisions": Decision,
    "alternatives": Alternative,
    "edits": Edit,
    "given": Edit,
}
_AXES = ("height", "width", "channels")
_TABLES = {
    "layers": "a design needs at least one layer, each under its own [[layers]] in double brackets",
    "claims": "every claim must be under its own [[claims]] in double brackets",
    "decisions": "every decision must be under its own [[decisions]] in double brackets",
    "alternatives": "a decision needs at least one alternative, each under its own [[decisions.alternatives]]",
    "edits": 'edits must be in brackets, e.g. edits = [{layers = "conv*", set = {kernel = 5}}]',
    "given": 'edits must be in brackets, e.g. given = [{layers = "conv*", set = {kernel = 5}}]',
}
_EXAMPLES = {
    "name": ', e.g. name = "my_name"',
    "input_shape": ", e.g. input_shape = [28, 28, 1] for gray images of 28 × 28 pixels",
    "layers": f"; {_TABLES['layers']}",
    "alternatives": f"; {_TABLES['alternatives']}",
    "edits": f"; {_TABLES['edits']}",
    "chosen": ' (the choice that the design makes, e.g. chosen = "max pooling")',
    "filters": " (the number of patterns that the convolution learns, e.g. filters = 32)",
    "units": " (the number of output values; on the last layer, the number of classes)",
}
# Rules by pydantic's type of error; {…} is filled from the error's context.
_MUST = {
    "int_type": "be a whole number",
    "float_type": "be a number",
    "tuple_type": "be a list, in square brackets",
    "finite_number": "be a finite number",
    "string_type": "be text in quotes",
    "string_too_short": "not be empty",
    "greater_than_equal": "be at least {ge:,g}",
    "greater_than": "be more than {gt:,g}",
    "less_than_equal": "be at most {le:,g}",
    "less_than": "be less than {lt:,g}",
}


def explain(error: ValidationError, content: dict[str, Any], origin: str) -> str:
    """Explain the first validation error: the place, the field, its value and the rule.

    Args:
        error: pydantic's error.
        content: content of the file.
        origin: name of the file.
    """
    errors = error.errors(include_url=False)
    # A list whose only item is invalid also counts as too short; that is a consequence, not a second problem.
    problems = [
        _locate(one, content)
        for one in errors
        if one["type"] != "too_short" or not any(_within(other["loc"], one["loc"]) for other in errors)
    ]
    # A misspelled field is often reported as missing too; show the misspelling, which the reader can see.
    first = min(problems, key=lambda problem: problem.kind != "extra_forbidden")
    further = len({(problem.place, problem.field) for problem in problems}) - 1
    more = {0: "", 1: " (One more problem after this one.)"}.get(further, f" ({further} more problems after this one.)")
    sentence = first.place + _rule(first)
    return f"{origin}: {sentence}{'' if sentence.endswith('?') else '.'}{more}"


def quote(value: object) -> str:
    """Format a value as in TOML, shortened and on one line."""
    if isinstance(value, str):
        return f'"{plain(value)}"'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        flat = len(value) <= LONGEST_LIST and not any(isinstance(item, list | dict) for item in value)
        return f"[{', '.join(quote(item) for item in value)}]" if flat else "a list"
    if isinstance(value, int) and value.bit_length() > WIDEST_NUMBER:
        return "a number with too many digits"  # converting it to text could fail or fill the screen
    return plain(str(value).lower() if isinstance(value, bool) else str(value))


def plain(text: str, longest: int = LONGEST_VALUE) -> str:
    """Shorten text from a file and escape characters that a terminal could interpret.

    Args:
        text: text to show.
        longest: largest number of characters to keep (default 60).
    """
    shown = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def explain_toml(problem: ValueError | RecursionError, text: str, origin: str) -> str:
    """Explain why `text` is not TOML, and quote the line of the error."""
    if isinstance(problem, RecursionError):
        return f"{origin}: not a design: brackets are nested too deeply. Write each layer under its own [[layers]]."
    message = str(problem)
    if message.startswith("Exceeds the limit"):
        return f"{origin}: not a design: it contains a whole number of more than 4,300 digits."
    hint = ""
    if message.startswith("Invalid value"):
        hint = " Text needs quotes; true and false are lower-case."
    elif message.startswith("Cannot overwrite"):
        hint = " Each field may occur only once in a table."
    found = re.search(r"at line (\d+), column \d+", message)
    line = text.split("\n")[int(found[1]) - 1 : int(found[1])] if found else []
    shown = f": {plain(line[0].strip())}" if line and line[0].strip() else ""
    return f"{origin}: not valid TOML: {message[0].lower()}{plain(message[1:])}{shown.rstrip('.')}.{hint}"


class _Problem(NamedTuple):
    """One of pydantic's errors, with its location: the place in the file, the table and the field."""

    kind: str
    message: str
    context: dict[str, Any]
    group: str  # "layers", "claims" or "" for the design itself
    place: str  # start of the message, e.g. "layer 2 'conv1': "
    entry: dict[str, Any]  # table that contains the field
    field: str
    axis: int | None  # index in a list: 0 for the height, 1 for the width, 2 for the channels
    value: object


def _within(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _locate(error: ErrorDetails, content: dict[str, Any]) -> _Problem:
    path = error["loc"]
    group = str(path[0]) if path and path[0] in _TABLES else ""
    place, entry = "", content
    while len(path) > 1 and isinstance(path[1], int) and isinstance(entry.get(str(path[0])), list):
        if path[0] not in _TABLES:
            break
        group = str(path[0])
        inner = entry[group][path[1]]
        entry = inner if isinstance(inner, dict) else {}
        called = entry.get("name", entry.get("says"))
        label = f" '{plain(called)}'" if isinstance(called, str) and called else ""
        place += f"{group.removesuffix('s')} {path[1] + 1}{label}: "
        path = path[2:]
        if group in ("edits", "given") and path and path[0] in ("insert_before", "insert_after"):
            inserted = entry[str(path[0])]
            place += f"{path[0]}: "
            group, entry, path = "layers", inserted if isinstance(inserted, dict) else {}, path[1:]
        if group == "layers" and path:  # pydantic's path has the kind before the field
            path = path[1:]
    return _Problem(
        kind=error["type"],
        message=error["msg"].removeprefix("Value error, "),
        context=error.get("ctx", {}),
        group=group,
        place=place,
        entry=entry,
        field=str(path[0]) if path else "",
        axis=path[-1] if path and isinstance(path[-1], int) else None,
        value=entry.get(str(path[0])) if path else error["input"],
    )


def _rule(problem: _Problem) -> str:
    """State the given value and the rule."""
    match problem.kind:
        case "union_tag_invalid" | "union_tag_not_found" | "model_type" | "model_attributes_type":
            rule = _kind(problem)
        case "value_error":
            rule = problem.message
        case "extra_forbidden":
            rule = f"unknown field {plain(problem.field)} = {quote(problem.value)}; {_known(problem)}"
        case "too_long" if problem.field == "layers":
            rule = f"a design may have at most {MOST_LAYERS} layers"
        case _ if problem.group and not problem.place:
            rule = _TABLES[problem.group]
        case "missing" if problem.axis is None:
            rule = f"required field {problem.field} is missing{_EXAMPLES.get(problem.field, '')}"
        case _:
            rule = f"{problem.field} = {quote(problem.value)}{_must(problem)}"
    return rule


def _must(problem: _Problem) -> str:
    in_range = problem.kind in _MUST and not problem.kind.endswith("_type")
    if problem.field in _WHOLE_FIELD and not in_range:
        return f" must {_WHOLE_FIELD[problem.field]}"
    if problem.kind == "string_pattern_mismatch":
        return f" must {_DESIGN_NAME if not problem.group else _LAYER_NAME}"
    if problem.kind == "literal_error":
        choices = re.findall(r"'(\w+)'", problem.context["expected"])
        return f" must be one of {', '.join(choices)}{_meant(problem.value, choices)}"
    if problem.kind in _MUST:
        axis = "" if problem.axis is None or not isinstance(problem.value, list) else f": the {_AXES[problem.axis]}"
        quotes = ", without quotes" if isinstance(problem.value, str) and not problem.kind.startswith("string") else ""
        return f"{axis} must {_MUST[problem.kind].format_map(problem.context)}{quotes}"
    return f": {problem.message}"


def _kind(problem: _Problem) -> str:
    entry = problem.entry
    if problem.group != "layers" or not entry:
        return f"not a table; {_TABLES[problem.group]}"
    if "kind" not in entry:
        return f"required field kind is missing; it must be one of {', '.join(LAYER_KINDS)}"
    kinds = list(LAYER_KINDS)
    meant = _meant(entry["kind"], kinds)
    end = f"{meant} The kinds are" if meant else "; the kinds are"
    return f"kind = {quote(entry['kind'])} is not a kind of layer{end} {', '.join(kinds)}"


def _known(problem: _Problem) -> str:
    if problem.group == "layers":
        fields = LAYER_KINDS[problem.entry["kind"]].model_fields
    else:
        fields = _MODELS.get(problem.group, Design).model_fields
    known = sorted(fields, key=lambda name: {"kind": 0, "name": 1}.get(name, 2))
    near = nearest(problem.field, known)
    return f"did you mean {near}?" if near else f"known fields: {', '.join(known)}"


def _meant(given: object, choices: list[str]) -> str:
    near = nearest(given, choices, likeness=0.5) if isinstance(given, str) else None
    return f'; did you mean "{near}"?' if near else ""
