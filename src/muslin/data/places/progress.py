"""Progress callbacks of downloads."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Callback `progress(what, done, total)` with sizes in bytes; `total` is None if unknown."""


def silent(_what: str, _done: int, _total: int | None) -> None:
    """No-op progress callback."""
