"""Slots: the limit on the number of requests that compute at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from muslin._words import count
from muslin.server.problems import busy


class Slots:
    """Slots for requests that compute. A request without a slot is rejected at once instead of queued.

    Args:
        total: number of slots.

    Attributes:
        taken: number of slots in use.
        arriving: number of accepted requests that have not run yet; each runs once the bytes that came with it are
            read.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.taken = 0
        self.arriving = 0

    @property
    def refusal(self) -> str:
        """Message for requests without a slot."""
        return f"The server is computing the maximum of {count(self.total, 'request')}. Try again in a second."

    @property
    def full(self) -> bool:
        """Whether no slot is free."""
        return self.taken >= self.total

    @property
    def crowded(self) -> bool:
        """Whether no slot is free once all arriving requests have theirs."""
        return self.taken + self.arriving >= self.total

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Return a context that holds a slot.

        Raises:
            Refusal: no slot is free.
        """
        if self.full:
            raise busy(self.refusal)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
