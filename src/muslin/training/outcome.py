"""Result of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from muslin._display import line
from muslin._words import count, duration, number
from muslin.engine import Precision

if TYPE_CHECKING:
    from muslin.network import Network
    from muslin.training.history import History

End: TypeAlias = Literal["finished", "early", "interrupted", "diverged"]


@dataclass(frozen=True)
class Outcome:
    """How a training ended, on what hardware and how fast.

    Attributes:
        seconds: time from the first step to the last, including validation and teachers.
        images_per_second: training images divided by the time spent on training steps only.
        epochs: number of completed epochs.
        end: "finished": all epochs done; "early": stopped by a callback; "interrupted": stopped by a person or the
            system; "diverged": a loss, gradient or weight was not finite.
        reason: explanation of `end`, in words.
        restored_epoch: number of the epoch whose weights were restored at the end; None if the last weights were kept.
        device: device of the training, such as "cpu" or "cuda:0".
        precision: precision of the training steps.
        threads: torch's thread count.
        fused: names of the layers computed in fused blocks, which round differently from plain PyTorch: the same run
            without them is not bit-identical.
        teachers: accuracy of each teacher on the validation split, 0–1; empty without teachers.
    """

    seconds: float
    images_per_second: float
    epochs: int
    end: End
    reason: str
    restored_epoch: int | None
    device: str
    precision: Precision
    threads: int
    fused: tuple[str, ...] = ()
    teachers: tuple[float, ...] = ()

    def __repr__(self) -> str:
        return line(
            "Outcome",
            self.end,
            f"{count(self.epochs, 'epoch')} in {duration(self.seconds)}",
            f"{number(self.images_per_second)} images/s",
            f"{self.device} in {self.precision}",
            count(self.threads, "thread"),
        )


@dataclass(frozen=True)
class Fitted:
    """A trained network, its history and its outcome.

    Attributes:
        network: trained network, in evaluation mode.
        history: completed epochs.
        outcome: how training ended.
        usable: whether the weights are finite. False if training diverged before it completed an epoch whose weights
            could be restored.
    """

    network: Network
    history: History
    outcome: Outcome
    usable: bool = True
