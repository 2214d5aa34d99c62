"""How a download says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called as `progress(what, done, total)`, in bytes; `total` is None where it isn't known."""


def silent(_what: str, _done: int, _total: int | None) -> None:
    """The progress of someone who doesn't want to know."""
