"""The state of a training: what callbacks see and change, and what snapshots hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from muslin.engine import Precision
from muslin.network import Network
from muslin.recipe import Recipe
from muslin.training.batches import Batches
from muslin.training.history import History
from muslin.training.outcome import End


@dataclass
class Tally:
    """Progress within the current epoch.

    Attributes:
        batches: number of batches done.
        rate: learning rate of the main optimizer in the last batch.
        loss_sum: sum of the loss over the images seen.
        right: number of correct answers.
        seen: number of images seen.
        seconds: training time in seconds.
    """

    batches: int = 0
    rate: float = 0.0
    loss_sum: float = 0.0
    right: int = 0
    seen: int = 0
    seconds: float = 0.0

    @property
    def loss(self) -> float:
        """Mean loss so far."""
        return self.loss_sum / self.seen if self.seen else 0.0

    @property
    def accuracy(self) -> float:
        """Training accuracy so far, 0–1."""
        return self.right / self.seen if self.seen else 0.0

    def add(self, loss: float, right: int, images: int) -> None:
        """Add one batch."""
        self.batches += 1
        self.loss_sum += loss * images
        self.right += right
        self.seen += images


class Identity(BaseModel):
    """What determines the result of a training; a state can be restored only if all of this is equal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    design: str
    recipe: dict[str, Any]
    data: str
    seed: int
    device: str = ""
    precision: str = ""


class Training:
    """A training in progress, as callbacks see it.

    Attributes:
        network: network that is trained.
        recipe: training procedure.
        batches: training batches.
        optimizers: optimizers of the network; the first is the main one.
        device: device to train on.
        precision: precision of matrix products.
        identity: what determines the result of this training.
        step: number of steps done, over all epochs.
        steps: total number of planned steps.
        loss, accuracy: running means of the current epoch.
        history: completed epochs.
        tally: progress within the current epoch.
        best: weights of the epoch with the lowest validation loss; empty before the first epoch ends.
        factor: factor that callbacks applied to the learning rate.
        ended: how and why training ends; None while nothing has ended it.
    """

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        batches: Batches,
        optimizers: Sequence[torch.optim.Optimizer],
        identity: Identity,
        device: torch.device,
        precision: Precision,
        ended: tuple[End, str] | None = None,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.batches = batches
        self.optimizers = optimizers
        self.identity = identity
        self.device = device
        self.precision = precision
        self.steps = batches.steps * recipe.epochs
        self.ended = ended
        self.step = 0
        self.history = History()
        self.tally = Tally()
        self.best: dict[str, Tensor] = {}
        self.factor = 1.0

    @property
    def seed(self) -> int:
        """Seed of initial weights, image order, augmentation and dropout."""
        return self.identity.seed

    @property
    def loss(self) -> float:
        """Running mean loss of the current epoch; between epochs, that of the completed one."""
        return self.tally.loss if self.tally.seen or not self.history else self.history.last.loss

    @property
    def accuracy(self) -> float:
        """Running training accuracy of the current epoch, 0–1; between epochs, that of the completed one."""
        return self.tally.accuracy if self.tally.seen or not self.history else self.history.last.accuracy

    @property
    def learning_rate(self) -> float:
        """Peak learning rate of the main optimizer, before the schedule's factor."""
        return float(self.optimizers[0].param_groups[0]["initial_lr"]) * self.factor

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.factor = value / float(self.optimizers[0].param_groups[0]["initial_lr"])

    def stop(self, reason: str) -> None:
        """Request that training end after the current step."""
        self._end("early", reason)

    def _end(self, end: End, reason: str) -> None:
        self.ended = self.ended or (end, reason)
