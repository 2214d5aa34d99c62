"""How many requests compute at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from muslin.server.problems import busy


class Slots:
    """Places for computing. Who finds none is told at once, instead of waiting in a queue that only grows.

    Args:
        places: how many there are.

    Attributes:
        taken: how many of them are.
        arriving: requests that were let in and had no turn yet; each has one as soon as all bytes that came with it are
            read.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0
        self.arriving = 0

    @property
    def refusal(self) -> str:
        """What those are told who find none."""
        return f"All {self.places} places are taken. Try again in a second."

    @property
    def full(self) -> bool:
        """Whether no place is left."""
        return self.taken >= self.places

    @property
    def crowded(self) -> bool:
        """Whether no place will be left once those who are arriving have theirs."""
        return self.taken + self.arriving >= self.places

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            Refusal: there is none.
        """
        if self.full:
            raise busy(self.refusal)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
