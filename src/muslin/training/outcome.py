"""How a training went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from muslin.engine import Precision

if TYPE_CHECKING:
    from muslin.network import Network
    from muslin.training.history import History

End: TypeAlias = Literal["finished", "early", "interrupted", "diverged"]


@dataclass(frozen=True)
class Outcome:
    """How a training went.

    Attributes:
        seconds: from the first step to the last, validation and teachers included.
        images_per_second: training images over the time spent on training steps alone.
        epochs: how many were finished.
        end: "finished": all epochs done; "early": a callback stopped it; "interrupted": a person or the system did;
            "diverged": a loss, gradient or weight was no longer finite.
        reason: the same in a sentence.
        restored_epoch: the epoch whose weights were restored at the end; None if the last weights were kept.
        fused: the layers whose training steps went through fused blocks; they round in places of their own, so the same
            run without them gives other bits.
        teachers: each teacher's accuracy on the validation split, 0–1, where the recipe has teachers.
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


@dataclass(frozen=True)
class Fitted:
    """A trained network, its history and how it went.

    Attributes:
        usable: whether the network's weights are good for anything. They aren't where they diverged before an epoch was
            finished whose weights could be restored.
    """

    network: Network
    history: History
    outcome: Outcome
    usable: bool = True
