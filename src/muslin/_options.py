"""Messages of the library in the words of the command line."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r"`(\w+)=([^`\s]*)`")
_OPTIONS = {
    "decisions": "decision",
    "everything": "all",
    "image": "image",
    "learning_rate": "lr",
    "overrides": "set",
    "path": "data",
}


def as_options(message: str) -> str:
    """Return a message with the parameters that it names in Python's way as options of the command line.

    >>> as_options("Pass `sample=True`, or the images with `path=`; `learning_rate=0.5` is too much.")
    'Pass --sample, or the images with --data; --lr 0.5 is too much.'
    """
    return _PARAMETER.sub(_option, message)


def _option(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    option = _OPTIONS.get(name, name).replace("_", "-")
    if value == "False":
        return f"--no-{option}"
    return f"--{option}" + (f" {value}" if value not in ("", "True") else "")
