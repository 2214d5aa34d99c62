"""Training history, one entry per epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from muslin._display import line, panel, paragraph, table
from muslin._words import count, duration, percent
from muslin.errors import RunError


@dataclass(frozen=True)
class Epoch:
    """Metrics of one pass over the training images.

    Attributes:
        epoch: epoch number, counted from 1.
        learning_rate: learning rate of the recipe's main optimizer in the last step of the epoch.
        loss: mean training cross-entropy over the epoch's batches (with the recipe's label smoothing), measured while
            the weights change.
        accuracy: training accuracy over the same batches, 0–1, with dropout on.
        validation_loss: mean cross-entropy on the validation split after the epoch.
        validation_accuracy: accuracy on the validation split, 0–1.
        seconds: training time in seconds, without validation.
        images_per_second: training images divided by `seconds`.
    """

    epoch: int
    learning_rate: float
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    images_per_second: float

    def __repr__(self) -> str:
        return line(
            "Epoch",
            str(self.epoch),
            f"loss {self.loss:.4f}",
            f"accuracy {percent(self.accuracy, 2)}",
            f"validation loss {self.validation_loss:.4f}",
            f"validation accuracy {percent(self.validation_accuracy, 2)}",
            duration(self.seconds),
        )

    @property
    def cells(self) -> tuple[str, ...]:
        """The values as text, in the order of `CELLS`."""
        return (
            str(self.epoch),
            f"{self.loss:.4f}",
            percent(self.accuracy, 2),
            f"{self.validation_loss:.4f}",
            percent(self.validation_accuracy, 2),
            duration(self.seconds),
            f"{self.images_per_second:,.0f}",
        )


CELLS = ("epoch", "loss", "accuracy", "validation loss", "validation accuracy", "time", "images/s")
COLUMNS = tuple(field.name for field in fields(Epoch))


class History:
    """The epochs of one training, in order.

    Args:
        epochs: epochs, in order (default none).
    """

    def __init__(self, epochs: Iterable[Epoch] = ()) -> None:
        self.epochs = tuple(epochs)

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self.epochs == other.epochs

    def __hash__(self) -> int:
        return hash(self.epochs)

    def __repr__(self) -> str:
        reached = f"validation accuracy {percent(self.last.validation_accuracy, 2)}" if self.epochs else ""
        return line("History", count(len(self), "epoch"), reached)

    def _repr_html_(self) -> str:
        best = ""
        if self.epochs:
            best = f"The validation loss was lowest in epoch {self.best.epoch} ({self.best.validation_loss:.4f})."
        rows = [epoch.cells for epoch in self.epochs]
        return panel("Training history", count(len(self), "epoch"), table(CELLS, rows), paragraph(best))

    @property
    def last(self) -> Epoch:
        """The last epoch."""
        return self.epochs[-1]

    @property
    def best(self) -> Epoch:
        """The first epoch with the lowest validation loss."""
        return min(self.epochs, key=lambda epoch: epoch.validation_loss)

    def kept(self, restored: int | None) -> Epoch:
        """Return the epoch whose weights the network has: epoch number `restored`, or the last if None."""
        return next((epoch for epoch in self.epochs if epoch.epoch == restored), self.last)

    def column(self, name: str) -> tuple[float, ...]:
        """Return one column as a tuple, one value per epoch."""
        return tuple(float(getattr(epoch, name)) for epoch in self.epochs)

    def extended(self, epoch: Epoch) -> History:
        """Return a copy with one more epoch."""
        return History((*self.epochs, epoch))

    def to_csv(self) -> str:
        """Return the history as CSV text with a header."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in self.epochs)
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str, origin: str = "history.csv") -> History:
        """Parse the text that `to_csv` returned.

        Raises:
            RunError: the text is not CSV, a column is missing, a value is not a number, or the epochs are not numbered
                from 1.
        """
        try:
            header, *rows = csv.reader(io.StringIO(text)) if text.strip() else [[]]
        except csv.Error as error:
            raise RunError(f"{origin} cannot be read as CSV: {error}. Train again, or restore the file.") from error
        if not header:
            raise RunError(f"{origin} is empty: even its header is missing. Train again, or restore the file.")
        if tuple(header) != COLUMNS:
            found = ", ".join(header)
            raise RunError(
                f"{origin} has the columns {found:.200}; a history has {', '.join(COLUMNS)}. Train again, or restore "
                "the file."
            )
        epochs = []
        for number, row in enumerate(rows, start=1):
            values = _numbers(row, f"{origin}: line {number + 1}")
            if values["epoch"] != number:
                raise RunError(
                    f"{origin}: line {number + 1} has epoch {values['epoch']:g}; expected {number}, because epochs are "
                    "numbered from 1, one per line. Train again, or restore the file."
                )
            epochs.append(Epoch(**{**values, "epoch": number}))
        return cls(epochs)


def _numbers(row: list[str], line: str) -> dict[str, Any]:
    """Return the values of a row by column."""
    if len(row) != len(COLUMNS):
        where = f"{COLUMNS[len(row)]} is missing" if len(row) < len(COLUMNS) else "remove the extra values"
        raise RunError(
            f"{line} has {count(len(row), 'value')} for {len(COLUMNS)} columns: {where}. Train again, or restore the "
            "file."
        )
    values: dict[str, Any] = {}
    for column, value in zip(COLUMNS, row, strict=True):
        try:
            values[column] = float(value)
        except ValueError as error:
            raise RunError(
                f"{line}, column {column}: {value!r:.60} is not a number. Train again, or restore the file."
            ) from error
    return values
