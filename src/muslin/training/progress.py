"""Training progress: a live bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from muslin.training.callbacks import Callback
from muslin.training.history import Epoch

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from muslin.training.state import Training


class ShowProgress(Callback):
    """Show epoch, loss, accuracy, images per second and remaining time; print one line per epoch.

    Args:
        console: rich console to print to (default: standard error).
        title: text before the bar (default "training").
    """

    def __init__(self, console: Console | None = None, title: str = "training") -> None:
        self.console = console or Console(stderr=True)
        self.title = title
        self._heading = ""  # with teachers: name of the network whose epochs follow
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def for_teacher(self, number: int, of: int) -> ShowProgress:
        """Return a progress callback for a teacher."""
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
        from rich.progress import (  # noqa: PLC0415  (only a terminal needs the bar)
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
        """Advance the bar."""
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
        """Print the epoch's line."""
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
