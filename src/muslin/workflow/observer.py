"""What a verb tells its caller while it works."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeAlias

from muslin._display import in_notebook

if TYPE_CHECKING:
    from muslin.data.places.progress import Progress
    from muslin.training.callbacks import Callback


class Observer:
    """Hears what a verb does. This one is silent; override what you want to hear."""

    def note(self, text: str) -> None:
        """Hear a sentence about what is being done."""

    def detail(self, text: str) -> None:
        """Hear a sentence that only the curious want to know."""

    def address(self, url: str) -> None:
        """Hear where the page can be opened."""
        self.note(f"Muslin is open at {url}")
        self.note("Press Ctrl-C to stop.")

    def training(self, title: str) -> Sequence[Callback]:
        """Return the callbacks that watch the training of the design called `title`."""
        del title
        return ()

    def fetching(self) -> AbstractContextManager[Progress]:
        """Give a function that hears how much of the data has been fetched."""
        return nullcontext(_silent)


class ShowingObserver(Observer):
    """Shows notes and the progress of training on standard error, or below the cell of a notebook."""

    def note(self, text: str) -> None:
        """Print the sentence."""
        if in_notebook():
            print(text)
            return
        from rich.console import Console  # noqa: PLC0415  (only where something is shown)

        Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)

    def training(self, title: str) -> Sequence[Callback]:
        """Return a live bar that leaves one line per epoch behind."""
        from muslin.training.progress import ShowProgress  # noqa: PLC0415  (only where something is shown)

        return [ShowProgress(title=title)]


def _silent(what: str, done: int, total: int | None) -> None:
    pass


Watched: TypeAlias = "bool | Observer | None"


def observer_of(progress: Watched) -> Observer:
    """Return the observer that a verb's `progress` asks for.

    Args:
        progress: True shows progress, False shows nothing, an `Observer` hears everything. None (the default of every
            verb) shows progress in a terminal and in a notebook, and nothing where standard error is a file or a pipe.
    """
    if isinstance(progress, Observer):
        return progress
    if progress is None:
        progress = _is_watched()
    return ShowingObserver() if progress else Observer()


def _is_watched() -> bool:
    """Return whether a person sees what is shown: in a terminal or in a notebook."""
    return in_notebook() or (sys.stderr is not None and sys.stderr.isatty())
