"""How many requests compute at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from muslin.serve.problems import busy


class Slots:
    """Places for computing. Who finds none is told at once, instead of waiting in a queue that only grows.

    Args:
        places: how many there are.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0

    @property
    def full(self) -> bool:
        """Whether no place is left."""
        return self.taken >= self.places

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            Refusal: there is none.
        """
        if self.full:
            raise busy(f"All {self.places} places are taken. Try again in a second.")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
