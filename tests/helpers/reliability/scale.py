"""How long to go on: shortly as part of `make test`, at length for `make torture`."""

from __future__ import annotations

import os

TORTURE = "MUSLIN_TORTURE" in os.environ


def times(short: int, long: int) -> int:
    """How often."""
    return long if TORTURE else short


def report(text: str) -> None:
    """A line for docs/explanation/reliability.md; seen with `pytest -s`."""
    print(f"\n{text}")
