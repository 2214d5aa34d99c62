"""Where the command line speaks: the answer on standard output, everything else on standard error."""

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

from muslin.cli._messages import as_options
from muslin.workflow.observer import Observer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from muslin.data.progress import Progress
    from muslin.training.callbacks import Callback

# Columns where there is no terminal to ask (a pipe, a file) and COLUMNS isn't set: wide enough for every table.
PIPE_WIDTH = 120


@dataclass(frozen=True)
class Output:
    """How much a verb says, and where.

    Attributes:
        quiet: no notes and no progress; the answer and errors only.
        verbose: details as well.
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
        """What a workflow tells its notes and its progress."""
        return _Told(self)

    def note(self, text: str) -> None:
        """Say something about what is going on; not when quiet."""
        _print(self.notes, text)

    def detail(self, text: str) -> None:
        """Say something that only the curious want to know (-v)."""
        if self.verbose:
            self.note(text)

    def answer(self, *parts: RenderableType) -> None:
        """Print a part of the answer: text or a rich table."""
        for part in parts:
            if isinstance(part, str):
                _print(self.answers, part)
            else:
                self.answers.print(part, crop=False)  # a table that has to be wider runs over

    def answer_json(self, value: Any) -> None:
        """Print the answer for a machine."""
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A bar for each thing that is fetched; one line for each where there is no terminal."""
        # Only needed when something is fetched.
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
    """Passes on what a workflow tells."""

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
    """Print text; in a terminal lines break at words, elsewhere they stay whole."""
    if console.is_terminal:
        text = "\n".join(
            textwrap.fill(line, console.width, break_long_words=False, break_on_hyphens=False)
            for line in text.split("\n")
        )
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _console(*, stderr: bool = False, quiet: bool = False) -> Console:
    from rich.console import Console  # noqa: PLC0415  (`--json` and `--help` do without)

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, quiet=quiet, width=width)
