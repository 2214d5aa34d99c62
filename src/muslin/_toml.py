"""Reading untrusted TOML in bounded time and memory."""

from __future__ import annotations

import re
import tomllib
from typing import Any

LARGEST_FILE = 200_000  # bytes of a design or recipe; the longest design of the library takes 13,000
WIDEST_NUMBER = 64  # bits of the largest whole number that a message repeats: converting a longer one could fail
MOST_PARTS = 64  # largest number of parts in a dotted key; Muslin's own files have at most two

_TEXT_OR_COMMENT = re.compile(
    r'"""(?:[^\\]|\\.)*?"""' r"|'''.*?'''" r'|"(?:[^"\\\n]|\\[^\n])*"' r"|'[^'\n]*'" r"|#[^\n]*", re.DOTALL
)
_BETWEEN_KEYS = re.compile(r"[=,\[\]{}\n]")


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML text.

    Raises:
        ValueError: if the text is not TOML, or a key has more than `MOST_PARTS` parts. The time and memory that
            `tomllib` takes grow with the square of the number of parts: 50,000 parts take 10 GB.
        RecursionError: if brackets are nested too deeply.
    """
    bare = _TEXT_OR_COMMENT.sub("x", text)
    if any(part.count(".") >= MOST_PARTS for part in _BETWEEN_KEYS.split(bare)):
        raise ValueError(f"A key has more than {MOST_PARTS} parts separated by dots")
    return tomllib.loads(text)
