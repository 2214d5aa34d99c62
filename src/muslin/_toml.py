"""Reading TOML from outside in bounded time and memory."""

from __future__ import annotations

import re
import tomllib
from typing import Any

MOST_PARTS = 64  # of a dotted key; Muslin's own files have two

_TEXT_OR_COMMENT = re.compile(
    r'"""(?:[^\\]|\\.)*?"""' r"|'''.*?'''" r'|"(?:[^"\\\n]|\\[^\n])*"' r"|'[^'\n]*'" r"|#[^\n]*", re.DOTALL
)
_BETWEEN_KEYS = re.compile(r"[=,\[\]{}\n]")


def parse_toml(text: str) -> dict[str, Any]:
    """The content of TOML text.

    Raises:
        ValueError: it is not TOML, or has a key of more than `MOST_PARTS` parts, for which `tomllib` would take time
            and memory that grow with their square: 50,000 parts take 10 GB.
        RecursionError: its brackets are nested too deep.
    """
    bare = _TEXT_OR_COMMENT.sub("x", text)
    if any(part.count(".") >= MOST_PARTS for part in _BETWEEN_KEYS.split(bare)):
        raise ValueError(f"A key has more than {MOST_PARTS} parts with dots between them")
    return tomllib.loads(text)
