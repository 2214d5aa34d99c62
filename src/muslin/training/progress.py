"""A live bar while training; plain lines where there is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from muslin.training.callbacks import Callback
from muslin.training.history import Epoch

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from muslin.training.loop import Training


class ShowProgress(Callback):
    """Shows epoch, loss, accuracy, images a second and time left; leaves one line an epoch behind.

    Args:
        console: where to; standard error by default.
        title: stands before the bar.
    """

    def __init__(self, console: Console | None = None, title: str = "training") -> None:
        self.console = console or Console(stderr=True)
        self.title = title
        self._heading = ""  # where there are teachers: whose epochs follow
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def for_teacher(self, number: int, of: int) -> ShowProgress:
        """Show that, too."""
        self._heading = "network"
        sent = ShowProgress(self.console, f"teacher {number} of {of}" if of > 1 else "teacher")
        sent._heading = sent.title
        return sent

    def on_start(self, training: Training) -> None:
        """Open the bar."""
        if self._heading and not training.ended:
            self.console.print(f"  {self._heading}", highlight=False)
        if not self.console.is_terminal or self.console.quiet:
            return
        from rich.progress import (  # noqa: PLC0415  (where there is no terminal, no bar)
            BarColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("loss {task.fields[loss]:.3f}  accuracy {task.fields[accuracy]:.1%}"),
            TextColumn("{task.fields[rate]:,.0f} images/s"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self._task = self._bar.add_task(self.title, total=training.steps, loss=0.0, accuracy=0.0, rate=0.0)
        self._bar.start()

    def on_step(self, training: Training) -> None:
        """Move the bar."""
        if self._bar is None or self._task is None:
            return
        started = self._bar.tasks[0].start_time
        elapsed = self._bar.get_time() - started if started is not None else 0.0
        epoch = min(len(training.history) + 1, training.recipe.epochs)
        self._bar.update(
            self._task,
            completed=training.step,
            description=f"{self.title}, epoch {epoch}/{training.recipe.epochs}",
            loss=training.loss,
            accuracy=training.accuracy,
            rate=training.step * training.batches.size / elapsed if elapsed else 0.0,
        )

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        """Leave a line."""
        self.console.print(
            f"  epoch {epoch.epoch:>2}/{training.recipe.epochs}"
            f"  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.2%}"
            f"  validation loss {epoch.validation_loss:.4f}  accuracy {epoch.validation_accuracy:.2%}"
            f"  {epoch.seconds:.1f} s  {epoch.images_per_second:,.0f} images/s",
            highlight=False,
            soft_wrap=True,
        )

    def on_end(self, training: Training) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.stop()
