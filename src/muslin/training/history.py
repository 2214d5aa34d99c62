"""What happened in training, epoch by epoch."""

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
    """One pass over the training images.

    Attributes:
        epoch: counted from 1.
        learning_rate: of the recipe's main optimizer, in the last step of the epoch.
        loss: mean cross-entropy (with the recipe's label smoothing) over the epoch's batches, while the weights moved.
        accuracy: share of right answers over the same batches, 0–1, dropout on.
        validation_loss: mean cross-entropy on the validation split after the epoch.
        validation_accuracy: share of right answers on it, 0–1.
        seconds: training time, without validation.
        images_per_second: training images over that time.
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
    """The epochs of one training, in order."""

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
        """The epoch whose weights the network ended with: the one that was restored, or else the last."""
        return next((epoch for epoch in self.epochs if epoch.epoch == restored), self.last)

    def column(self, name: str) -> tuple[float, ...]:
        """One column, epoch by epoch."""
        return tuple(float(getattr(epoch, name)) for epoch in self.epochs)

    def extended(self, epoch: Epoch) -> History:
        """This history with one more epoch."""
        return History((*self.epochs, epoch))

    def to_csv(self) -> str:
        """The history as CSV text with a header."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in self.epochs)
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str, origin: str = "history.csv") -> History:
        """Read what `to_csv` wrote.

        Raises:
            RunError: it is no CSV, a column is missing, a value is not a number, or the epochs don't count up from 1.
        """
        try:
            header, *rows = csv.reader(io.StringIO(text)) if text.strip() else [[]]
        except csv.Error as error:
            raise RunError(f"{origin} can't be read as CSV: {error}. Train again, or restore the file.") from error
        if not header:
            raise RunError(f"{origin} is empty, not even its header is there. Train again, or restore the file.")
        if tuple(header) != COLUMNS:
            found = ", ".join(header)
            raise RunError(
                f"{origin}: the columns are {found:.200}, but a history has {', '.join(COLUMNS)}. Train again, or "
                "restore the file."
            )
        epochs = []
        for number, row in enumerate(rows, start=1):
            values = _numbers(row, f"{origin}: line {number + 1}")
            if values["epoch"] != number:
                raise RunError(
                    f"{origin}: line {number + 1} is of epoch {values['epoch']:g}; it must be {number}, as epochs are "
                    "counted from 1, one a line. Train again, or restore the file."
                )
            epochs.append(Epoch(**{**values, "epoch": number}))
        return cls(epochs)


def _numbers(row: list[str], line: str) -> dict[str, Any]:
    """The values of a row by column."""
    if len(row) != len(COLUMNS):
        where = f"it ends before {COLUMNS[len(row)]}" if len(row) < len(COLUMNS) else "some are too many"
        raise RunError(
            f"{line} has {len(row)} values for {len(COLUMNS)} columns; {where}. Train again, or restore the file."
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
