"""The training loop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from muslin.data import Dataset
from muslin.design import Design, format_design
from muslin.engine import Precision
from muslin.engine.machine import torch_threads
from muslin.network import Network
from muslin.recipe import Linear, Recipe
from muslin.training.batches import Batch, Batches, class_weights
from muslin.training.callbacks import Callback
from muslin.training.checkpoint import Checkpoints
from muslin.training.divergence import broken_weights, first_broken, is_finite_step
from muslin.training.forward import Forward, log_probabilities
from muslin.training.history import Epoch, History
from muslin.training.initialization import initialize
from muslin.training.optimizers import build_optimizers, set_learning_rates
from muslin.training.outcome import End, Fitted, Outcome
from muslin.training.scaling import InputScaling
from muslin.training.snapshot import Snapshot, capture, restore
from muslin.training.state import Identity, Tally, Training
from muslin.training.teachers import Taught, distilled


class TrainingLoop(Training):
    """A training that runs itself, from its start or from a snapshot.

    Args:
        design: design to train.
        data: data set with training and validation images.
        recipe: training procedure.
        seed: seed of initial weights, image order, augmentation and dropout.
        device: device to train on.
        precision: precision of matrix products.
        taught: soft targets of the recipe's teachers (default None: no teachers).
    """

    def __init__(
        self,
        design: Design,
        data: Dataset,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        precision: Precision,
        taught: Taught | None = None,
    ) -> None:
        torch.manual_seed(seed)
        network = Network(design)
        initialize(network, recipe, seed)
        self._scaling = InputScaling(network, recipe, torch.from_numpy(data.train.images))
        network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        network.train()
        self.forward = Forward(network, device, precision)
        batches = Batches(data.train, recipe, seed, device, taught.answers if taught else None)
        self.validation = data.validation
        self._taught = taught
        self._class_weights = class_weights(data.train.labels, data.classes, recipe, device)
        self._weights = list(network.parameters())
        self._spoilt = False  # whether the weights themselves are not finite
        optimizers = build_optimizers(network, recipe)
        identity = Identity(
            design=format_design(design),
            recipe=recipe.plain(),
            data=data.fingerprint,
            seed=seed,
            device=device.type,
            precision=precision,
        )
        ended = taught.ended if taught else None
        super().__init__(network, recipe, batches, optimizers, identity, device, precision, ended)

    def run(
        self,
        callbacks: Sequence[Callback],
        interruption: threading.Event,
        checkpoints: Checkpoints | None = None,
        snapshot: Snapshot | None = None,
    ) -> Fitted:
        """Train to the end, resuming from `snapshot` if given."""
        started = time.perf_counter()
        for callback in callbacks:
            callback.on_start(self)
        if snapshot:
            restore(self, snapshot, callbacks)
            started -= snapshot.state.seconds

        def save(*, now: bool = True) -> None:
            if checkpoints and (now or checkpoints.due) and not self._is("diverged"):
                checkpoints.save(capture(self, callbacks, time.perf_counter() - started))

        while len(self.history) < self.recipe.epochs and not self._is():
            self._epoch(len(self.history) + 1, callbacks, interruption, partial(save, now=False))
            save()
        if not self._is("diverged") and (name := broken_weights(self.network)) is not None:
            self._diverge(self._broken_by_update(name), spoilt=True)
        end, reason = self.ended or ("finished", _done(self.recipe.epochs))
        restored = self._restore(anyway=end == "interrupted" or self._spoilt)
        outcome = Outcome(
            seconds=time.perf_counter() - started + (self._taught.seconds if self._taught else 0.0),
            images_per_second=_mean_rate(self.history),
            epochs=len(self.history),
            end=end,
            reason=reason,
            restored_epoch=restored,
            device=str(self.device),
            precision=self.precision,
            threads=torch.get_num_threads(),
            fused=self.forward.fused,
            teachers=self._taught.accuracies if self._taught else (),
        )
        self._scaling.fold()
        self.network.eval()
        for callback in callbacks:
            callback.on_end(self)
        return Fitted(self.network, self.history, outcome, usable=restored is not None or not self._spoilt)

    def _is(self, *ends: End) -> bool:
        """Return whether training has ended, in one of the given ways if any are given."""
        return self.ended is not None and (not ends or self.ended[0] in ends)

    def _epoch(
        self, number: int, callbacks: Sequence[Callback], interruption: threading.Event, save: Callable[[], None]
    ) -> None:
        """Run the rest of one epoch and its validation, unless training ends before."""
        tally = self.tally
        started = time.perf_counter() - tally.seconds
        self.network.train()
        for batch in self.batches.epoch(number, tally.batches):
            tally.rate = self._schedule()
            with torch_threads(self.forward.torch_threads):
                loss, correct = self.train_step(batch)
            if self._is("diverged"):
                return
            self.step += 1
            tally.add(loss, correct, len(batch.labels))
            for callback in callbacks:
                callback.on_step(self)
            if interruption.is_set():
                self._end("interrupted", f"interrupted in epoch {number} of {self.recipe.epochs}")
            tally.seconds = time.perf_counter() - started
            if self._is():
                return
            save()
        if (name := broken_weights(self.network)) is not None:
            self._diverge(self._broken_by_update(name), spoilt=True)
            return
        loss, accuracy = self._validate()
        if not math.isfinite(loss):
            what = f"after step {self.step} of {self.steps}: the validation loss is not finite ({loss:.4g})"
            self._diverge(what, spoilt=True)
            return
        epoch = Epoch(
            number, tally.rate, tally.loss, tally.accuracy, loss, accuracy, tally.seconds, tally.seen / tally.seconds
        )
        if not self.best or loss < self.history.best.validation_loss:
            self.best = {name: array.detach().clone() for name, array in self.network.state_dict().items()}
        self.history = self.history.extended(epoch)
        self.tally = Tally()
        for callback in callbacks:
            callback.on_epoch(self, epoch)

    def _schedule(self) -> float:
        """Set the learning rates of the next step; return the main optimizer's."""
        factor = self.factor
        if isinstance(self.recipe.schedule, Linear):
            warmup, done = self.recipe.schedule.warmup, (self.step + 1) / (self.steps + 1)
            factor *= done / warmup if done < warmup else (1 - done) / (1 - warmup)
        set_learning_rates(self.optimizers, factor)
        return float(self.optimizers[0].param_groups[0]["lr"])

    def losses(self, logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the loss to minimize and its label part (for the history), given logits (batch, class)."""
        by_labels = functional.cross_entropy(
            logits, batch.labels, weight=self._class_weights, label_smoothing=self.recipe.label_smoothing
        )
        return distilled(by_labels, logits, batch, self.recipe.distillation), by_labels

    def train_step(self, batch: Batch) -> tuple[float, int]:
        """Make one update; return the batch's label loss and the number of correct answers."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            logits = self.forward(batch.images)
        loss, by_labels = self.losses(logits.float(), batch)
        for array in self._weights:
            array.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        value = by_labels.item()
        if not is_finite_step(value, self.network):
            what = f"{first_broken(self.network, batch.images)} is not finite (loss {value:.4g})"
            spoilt = not math.isfinite(value) or broken_weights(self.network) is not None
            self._diverge(f"at step {self.step + 1} of {self.steps}: {what}", spoilt=spoilt)
            return value, 0
        for optimizer in self.optimizers:
            optimizer.step()
        return value, int((logits.argmax(1) == batch.labels).sum())

    def _validate(self) -> tuple[float, float]:
        logs = log_probabilities(self.network, self.validation.images)
        labels = torch.from_numpy(self.validation.labels)
        loss = -logs[torch.arange(len(labels)), labels].mean().item()
        return loss, (logs.argmax(1) == labels).double().mean().item()

    def _broken_by_update(self, name: str) -> str:
        return f"after step {self.step} of {self.steps}: the update made '{name}' infinite or NaN"

    def _diverge(self, what: str, *, spoilt: bool) -> None:
        """End training as diverged, even if something else has ended it.

        Args:
            what: description of what happened, and at which step.
            spoilt: whether the weights themselves are not finite, so that only an earlier epoch's can be kept.
        """
        self._spoilt = spoilt
        if self.best and (spoilt or self.recipe.early_stopping):
            kept = f"The weights of epoch {self.history.best.epoch} were kept."
        elif spoilt:
            kept = "No usable weights remain."
        else:
            kept = "That update was skipped and the last good weights were kept."
        self.ended = ("diverged", f"training stopped {what}. {kept} Lower the learning rate.")

    def _restore(self, *, anyway: bool) -> int | None:
        """Restore the best epoch's weights if the recipe or `anyway` asks for it; return that epoch's number."""
        if not self.best or not (self.recipe.early_stopping or anyway):
            return None
        self.network.load_state_dict(self.best)
        return self.history.best.epoch


def _done(epochs: int) -> str:
    return "1 epoch done" if epochs == 1 else f"all {epochs} epochs done"


def _mean_rate(history: History) -> float:
    seconds = sum(history.column("seconds"))
    images = sum(epoch.images_per_second * epoch.seconds for epoch in history)
    return images / seconds if seconds else 0.0
