"""Output of the command line: the answer on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from muslin._options import as_options
from muslin.workflow.observer import Observer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from muslin.data.places.progress import Progress
    from muslin.training.callbacks import Callback

# Columns for a pipe or a file if COLUMNS is not set: wide enough for every table.
PIPE_WIDTH = 120


@dataclass(frozen=True)
class Output:
    """The output of a verb.

    Attributes:
        quiet: whether to print only the answer and errors, without notes and progress.
        verbose: whether to print details.
    """

    quiet: bool = False
    verbose: bool = False

    @cached_property
    def notes(self) -> Console:
        """The console for notes and progress: standard error, silent when quiet."""
        return _console(stderr=True, quiet=self.quiet)

    @cached_property
    def answers(self) -> Console:
        """The console for the answer: standard output."""
        return _console()

    @cached_property
    def observer(self) -> Observer:
        """The observer that prints the notes and progress of a workflow."""
        return _Told(self)

    def note(self, text: str) -> None:
        """Print a note about progress, unless quiet."""
        _print(self.notes, text)

    def detail(self, text: str) -> None:
        """Print a detail, if verbose."""
        if self.verbose:
            self.note(text)

    def answer(self, *parts: RenderableType) -> None:
        """Print a part of the answer: text or a rich table."""
        for part in parts:
            if isinstance(part, str):
                _print(self.answers, part)
            else:
                self.answers.print(part, crop=False)  # a wider table runs over the edge

    def answer_json(self, value: Any) -> None:
        """Print the answer as JSON."""
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Show a progress bar for each download, or one line for each without a terminal."""
        # Only needed for downloads.
        from rich.progress import BarColumn, Progress, TaskID, TextColumn  # noqa: PLC0415

        terminal = self.notes.is_terminal
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"))
        tasks: dict[str, TaskID] = {}
        with Progress(*columns, console=self.notes, disable=self.quiet or not terminal, transient=True) as bars:

            def report(what: str, done: int, total: int | None) -> None:
                amount = f"{done / 1e6:.1f} of {total / 1e6:.1f} MB" if total else ""
                if what not in tasks:
                    tasks[what] = bars.add_task(what, total=total, amount=amount)
                    if not terminal:
                        self.note(f"{what} …")
                bars.update(tasks[what], completed=done, total=total, amount=amount)

            yield report


class _Told(Observer):
    """Prints what a workflow reports."""

    def __init__(self, output: Output) -> None:
        self.output = output

    def note(self, text: str) -> None:
        self.output.note(as_options(text))

    def detail(self, text: str) -> None:
        self.output.detail(as_options(text))

    def address(self, url: str) -> None:
        self.output.answer(f"Muslin is open at {url}")
        self.output.note("Press Ctrl-C to stop.")

    def training(self, title: str) -> Sequence[Callback]:
        from muslin.training.progress import ShowProgress  # noqa: PLC0415  (torch: loaded by now)

        return [ShowProgress(self.output.notes, title)]

    def fetching(self) -> AbstractContextManager[Progress]:
        return self.output.progress()


def _print(console: Console, text: str) -> None:
    """Print text, with lines wrapped at words in a terminal and unwrapped elsewhere."""
    if console.is_terminal:
        text = "\n".join(
            textwrap.fill(line, console.width, break_long_words=False, break_on_hyphens=False)
            for line in text.split("\n")
        )
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _console(*, stderr: bool = False, quiet: bool = False) -> Console:
    from rich.console import Console  # noqa: PLC0415  (not needed for `--json` and `--help`)

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, quiet=quiet, width=width)
