"""Where the command line speaks: the answer on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from muslin.data.progress import Progress

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

    def note(self, text: str) -> None:
        """Say something about what is going on; not when quiet."""
        self.notes.print(text, markup=False, highlight=False, soft_wrap=True)  # a path stays in one piece

    def detail(self, text: str) -> None:
        """Say something that only the curious want to know (-v)."""
        if self.verbose:
            self.note(text)

    def answer(self, *parts: RenderableType) -> None:
        """Print a part of the answer: text or a rich table."""
        for part in parts:
            if isinstance(part, str):
                self.answers.print(part, markup=False, highlight=False, soft_wrap=True)
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


def _console(*, stderr: bool = False, quiet: bool = False) -> Console:
    from rich.console import Console  # noqa: PLC0415  (`--json` and `--help` do without)

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, quiet=quiet, width=width)
