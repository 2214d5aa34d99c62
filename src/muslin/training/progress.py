"""Shows the progress of training: a live bar in a terminal, a table in a notebook, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from muslin._display import in_notebook, panel, table
from muslin._words import count, duration, number, percent
from muslin.training.callbacks import Callback
from muslin.training.history import CELLS, Epoch

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

    from muslin.training.state import Training

_REFRESH = 0.25  # seconds between two updates of a notebook's cell
_WIDEST_TIME = 8  # characters of the remaining time


class ShowProgress(Callback):
    """Shows epoch, loss, accuracy, images per second and remaining time, and leaves one line per epoch behind.

    Args:
        console: console to print to (default: below the cell in a notebook, standard error elsewhere).
        title: text before the bar (default "training").
    """

    def __init__(self, console: Console | None = None, title: str = "training") -> None:
        self.console = console
        self.title = title
        self._heading = ""  # where there are teachers: whose epochs follow
        self._view: _View = _Cell() if console is None and in_notebook() else _Terminal(console)

    def for_teacher(self, number: int, of: int) -> ShowProgress:
        """Show the training of teachers, too."""
        self._heading = "network"
        sent = ShowProgress(self.console, f"teacher {number} of {of}" if of > 1 else "teacher")
        sent._heading = sent.title
        return sent

    def on_start(self, training: Training) -> None:
        """Open the bar."""
        self._view.open("" if training.ended else self._heading, self.title, training.steps)

    def on_step(self, training: Training) -> None:
        """Move the bar."""
        self._view.move(training)

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        """Leave a line."""
        self._view.add(epoch, training.recipe.epochs)

    def on_end(self, training: Training) -> None:
        """Close the bar."""
        del training
        self._view.close()


def epoch_line(epoch: Epoch, of: int, width: int | None = None) -> str:
    """Return an epoch as text.

    Args:
        epoch: the finished epoch.
        of: number of epochs in the recipe.
        width: columns of the terminal; a longer text continues below its first value, without the images per second
            if they would need a line of their own (default: one line).
    """
    head = f"  epoch {epoch.epoch:>{len(str(of))}}/{of}  "
    values = [
        f"loss {number(epoch.loss, 4)}  accuracy {percent(epoch.accuracy, 2)}",
        f"validation loss {number(epoch.validation_loss, 4)}  accuracy {percent(epoch.validation_accuracy, 2)}",
        duration(epoch.seconds),
    ]
    speed = f"{number(epoch.images_per_second)} images/s"
    whole = head + "  ".join([*values, speed])
    if width is None or len(whole) <= width:
        return whole
    without_speed = head + "  ".join(values)
    if len(without_speed) <= width:
        return without_speed
    lines = [head + values[0]]
    for value in (*values[1:], speed):
        if len(lines[-1]) + 2 + len(value) <= width:
            lines[-1] += f"  {value}"
        elif value != speed:
            lines.append(" " * len(head) + value)
    return "\n".join(lines)


class _View(Protocol):
    """A place where progress is shown."""

    def open(self, heading: str, title: str, steps: int) -> None: ...

    def move(self, training: Training) -> None: ...

    def add(self, epoch: Epoch, of: int) -> None: ...

    def close(self) -> None: ...


class _Terminal:
    """A live bar below one line per epoch; where there is no terminal, the lines alone."""

    def __init__(self, console: Console | None) -> None:
        self.console = console or Console(stderr=True)
        self.title = ""
        self.bar: Progress | None = None
        self.task: TaskID | None = None

    def open(self, heading: str, title: str, steps: int) -> None:
        if heading:
            self.console.print(f"  {heading}", highlight=False)
        self.title = title
        if not self.console.is_terminal or self.console.quiet:
            return
        from rich.progress import Progress  # noqa: PLC0415  (where there is no terminal, no bar)

        self.bar = Progress(console=self.console, transient=True)
        self.task = self.bar.add_task(title, total=steps, loss=0.0, accuracy=0.0, rate=0.0)
        self.bar.start()

    def move(self, training: Training) -> None:
        if self.bar is None or self.task is None:
            return
        description = _position(self.title, training)
        self.bar.columns = _columns(len(description), self.console.width)
        started = self.bar.tasks[0].start_time
        elapsed = self.bar.get_time() - started if started is not None else 0.0
        self.bar.update(
            self.task,
            completed=training.step,
            description=description,
            loss=training.loss,
            accuracy=training.accuracy,
            rate=training.step * training.batches.size / elapsed if elapsed else 0.0,
        )

    def add(self, epoch: Epoch, of: int) -> None:
        width = self.console.width if self.console.is_terminal else None
        self.console.print(epoch_line(epoch, of, width), highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()


def _position(title: str, training: Training) -> str:
    epoch = min(len(training.history) + 1, training.recipe.epochs)
    return f"{title}, epoch {epoch}/{training.recipe.epochs}"


def _columns(description: int, width: int) -> tuple[ProgressColumn, ...]:
    """The columns of the bar that fit a terminal; the less important ones are left out where it is narrow."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415  (loaded with the bar)

    accuracy = "accuracy {task.fields[accuracy]:.1%}", 15
    loss = "loss {task.fields[loss]:.3f}", 11
    rate = "{task.fields[rate]:,.0f} images/s", 18
    bar, texts = 8, [accuracy]
    for longer, more in ((12, [loss, accuracy]), (12, [loss, accuracy, rate]), (24, [loss, accuracy, rate])):
        needed = description + longer + sum(room for _, room in more) + _WIDEST_TIME + len(more) + 2
        if needed <= width:
            bar, texts = longer, more
    shown = [TextColumn(text) for text, _ in texts]
    return (TextColumn("{task.description}", markup=False), BarColumn(bar_width=bar), *shown, TimeRemainingColumn())


class _Cell:
    """A table of the epochs below a notebook's cell, with a bar while training goes on. It is updated in place."""

    def __init__(self) -> None:
        self.title = ""
        self.epochs: list[Epoch] = []
        self.of = 0
        self.handle: Any = None
        self.updated = 0.0

    def open(self, heading: str, title: str, steps: int) -> None:
        from IPython.display import display  # noqa: PLC0415  (only in a notebook)

        del steps
        self.title = heading or title
        self.handle = display(_Output(self.title, "", self.epochs, self.of), display_id=True)  # type: ignore[no-untyped-call]

    def move(self, training: Training) -> None:
        now = time.monotonic()
        if now - self.updated < _REFRESH:
            return
        self.updated = now
        bar = (
            f'<progress max="{training.steps}" value="{training.step}" style="width:100%;max-width:32em"></progress>'
            f"<div>{_position('', training).lstrip(', ')}, loss {training.loss:.3f}, accuracy {training.accuracy:.1%}"
            "</div>"
        )
        self._show(bar)

    def add(self, epoch: Epoch, of: int) -> None:
        self.epochs.append(epoch)
        self.of = of
        self._show("")

    def close(self) -> None:
        self._show("")

    def _show(self, bar: str) -> None:
        if self.handle is not None:
            self.handle.update(_Output(self.title, bar, self.epochs, self.of))


class _Output:
    """What a cell shows at one moment."""

    def __init__(self, title: str, bar: str, epochs: list[Epoch], of: int) -> None:
        self.bundle = {"text/html": _html(title, bar, epochs), "text/plain": _plain(title, epochs, of)}

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        return self.bundle


def _html(title: str, bar: str, epochs: list[Epoch]) -> str:
    rows = table(CELLS, [epoch.cells for epoch in epochs]) if epochs else ""
    return panel(title, count(len(epochs), "epoch") if epochs else "", rows, bar)


def _plain(title: str, epochs: list[Epoch], of: int) -> str:
    return "\n".join([title, *(epoch_line(epoch, of) for epoch in epochs)])
