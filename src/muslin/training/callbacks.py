"""Callbacks: objects that observe a training and may change it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from muslin._words import count
from muslin.errors import RunError
from muslin.recipe import EarlyStopping, Plateau
from muslin.training.history import Epoch

if TYPE_CHECKING:
    from muslin.training.state import Training

Scalar: TypeAlias = bool | int | float | str | None


class Callback:
    """Base class of callbacks; every method does nothing until overridden.

    A callback reads `training` (its `recipe`, `network`, `history`, `step`, `steps`, `loss`, …) and may call
    `training.stop(reason)` or set `training.learning_rate`. The recipe's own callbacks are called first, then the
    others in the order given.
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def on_start(self, training: Training) -> None:
        """Called before the first step."""

    def on_step(self, training: Training) -> None:
        """Called after each step; `training.loss` and `training.accuracy` are the epoch's running means."""

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        """Called after each epoch and its validation; `training.history` already contains `epoch`."""

    def on_end(self, training: Training) -> None:
        """Called after the last step, however training ended; `training.network` has the final weights."""

    def for_teacher(self, number: int, of: int) -> Callback | None:
        """Return the callback for the training of teacher `number` (counted from 1); None (default) for no callback."""

    def state(self) -> dict[str, bool | int | float | str | None]:
        """Return the state that a checkpoint saves, needed to resume this callback exactly; empty by default."""
        return {}

    def restore(self, state: dict[str, bool | int | float | str | None]) -> None:
        """Set the state that `state` returned in the interrupted training; called after `on_start`.

        Not called if that state was empty and `state` still returns an empty one.
        """


class StopEarly(Callback):
    """Stop when the validation loss has not improved for `patience` epochs, as Keras' EarlyStopping does."""

    def __init__(self, settings: EarlyStopping) -> None:
        self.settings = settings
        self.best = float("inf")
        self.waited = 0

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        """Update the count of epochs without improvement; stop when it reaches the patience."""
        if epoch.validation_loss < self.best:
            self.best, self.waited = epoch.validation_loss, 0
            return
        self.waited += 1
        if self.waited >= self.settings.patience:
            training.stop(f"no better validation loss for {count(self.settings.patience, 'epoch')}")

    def state(self) -> dict[str, bool | int | float | str | None]:
        """Return the best validation loss and the number of epochs since."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, bool | int | float | str | None]) -> None:
        """Restore the best validation loss and the number of epochs since."""
        self.best, self.waited = float(state["best"] or 0), int(state["waited"] or 0)


class LowerOnPlateau(Callback):
    """Lower the learning rate when the validation loss stops improving, as Keras' ReduceLROnPlateau does."""

    def __init__(self, settings: Plateau) -> None:
        self.settings = settings
        self.best = float("inf")
        self.waited = 0

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        """Update the count of epochs without improvement; lower the rate when it reaches the patience."""
        if epoch.validation_loss < self.best - self.settings.min_delta:
            self.best, self.waited = epoch.validation_loss, 0
            return
        self.waited += 1
        if self.waited >= self.settings.patience and training.learning_rate > self.settings.floor:
            training.learning_rate = max(training.learning_rate * self.settings.factor, self.settings.floor)
            self.waited = 0

    def state(self) -> dict[str, bool | int | float | str | None]:
        """Return the best validation loss and the number of epochs since."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, bool | int | float | str | None]) -> None:
        """Restore the best validation loss and the number of epochs since."""
        self.best, self.waited = float(state["best"] or 0), int(state["waited"] or 0)


def states(callbacks: Sequence[Callback]) -> tuple[tuple[str, dict[str, Scalar]], ...]:
    """Return class name and state of each callback whose class overrides `state`, even if the state is empty."""
    return tuple((_name(callback), callback.state()) for callback in _keeping(callbacks))


def restore_states(kept: tuple[tuple[str, dict[str, Scalar]], ...], callbacks: Sequence[Callback]) -> None:
    """Restore the states of callbacks that `states` returned.

    Raises:
        RunError: the callbacks are not those of the interrupted training, or one of them rejects its state.
    """
    keeping = _keeping(callbacks)
    then, now = [name for name, _ in kept], [_name(callback) for callback in keeping]
    if now != then:  # early checkpoints of this format omit callbacks with an empty state
        keeping = [callback for callback in keeping if callback.state()]
    if [_name(callback) for callback in keeping] != then:
        raise RunError(
            f"callbacks differ from those of the interrupted training: their state was saved for "
            f"{', '.join(then) or 'none'}, but {', '.join(now) or 'none'} given now. Pass the same callbacks, in the "
            "same order."
        )
    for callback, (name, state) in zip(keeping, kept, strict=True):
        try:
            if state or callback.state():
                callback.restore(state)
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"callback {name} cannot restore its state from the checkpoint: {error!r}. Pass the callback that the "
                "run was started with, or start a new run."
            ) from error


def _keeping(callbacks: Sequence[Callback]) -> list[Callback]:
    return [callback for callback in callbacks if type(callback).state is not Callback.state]


def _name(callback: Callback) -> str:
    return type(callback).__qualname__
