"""Callbacks: small objects that watch a training and may change its course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from muslin._words import count
from muslin.errors import RunError
from muslin.recipe import EarlyStopping, Plateau
from muslin.training.history import Epoch

if TYPE_CHECKING:
    from muslin.training.loop import Training

Scalar: TypeAlias = bool | int | float | str | None


class Callback:
    """What a training tells those who watch it; every method does nothing until overridden.

    A callback reads `training` (its `recipe`, `network`, `history`, `step`, `steps`, `loss`, …) and may call
    `training.stop(reason)` or set `training.learning_rate`. Callbacks are called in the order in which they were given,
    after those that the recipe asks for.
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def on_start(self, training: Training) -> None:
        """Before the first step."""

    def on_step(self, training: Training) -> None:
        """After each step; `training.loss` and `training.accuracy` are the epoch's running means."""

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        """After each epoch and its validation; `epoch` is already part of `training.history`."""

    def on_end(self, training: Training) -> None:
        """After the last step, whatever ended the training; the final weights are in `training.network`."""

    def for_teacher(self, number: int, of: int) -> Callback | None:
        """Who watches the training of a teacher, counted from 1, before this training starts; nobody by default."""

    def state(self) -> dict[str, bool | int | float | str | None]:
        """What a checkpoint must hold of this callback for a resumed training to go on alike; nothing by default."""
        return {}

    def restore(self, state: dict[str, bool | int | float | str | None]) -> None:
        """Take over what `state` gave, in the training that was stopped; called after `on_start`.

        Not called if that was nothing, and `state` gives nothing now.
        """


class StopEarly(Callback):
    """Stops when the validation loss has not improved for some epochs, by the rules of Keras' EarlyStopping."""

    def __init__(self, settings: EarlyStopping) -> None:
        self.settings = settings
        self.best = float("inf")
        self.waited = 0

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        """Count an epoch without improvement, or start counting anew."""
        if epoch.validation_loss < self.best:
            self.best, self.waited = epoch.validation_loss, 0
            return
        self.waited += 1
        if self.waited >= self.settings.patience:
            training.stop(f"no better validation loss for {count(self.settings.patience, 'epoch')}")

    def state(self) -> dict[str, bool | int | float | str | None]:
        """The best validation loss, and epochs without a better one."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, bool | int | float | str | None]) -> None:
        """Go on counting."""
        self.best, self.waited = float(state["best"] or 0), int(state["waited"] or 0)


class LowerOnPlateau(Callback):
    """Lowers the learning rate when the validation loss stays where it is, by the rules of Keras' ReduceLROnPlateau."""

    def __init__(self, settings: Plateau) -> None:
        self.settings = settings
        self.best = float("inf")
        self.waited = 0

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        """Count an epoch without improvement; lower the rate when there were enough of them."""
        if epoch.validation_loss < self.best - self.settings.min_delta:
            self.best, self.waited = epoch.validation_loss, 0
            return
        self.waited += 1
        if self.waited >= self.settings.patience and training.learning_rate > self.settings.floor:
            training.learning_rate = max(training.learning_rate * self.settings.factor, self.settings.floor)
            self.waited = 0

    def state(self) -> dict[str, bool | int | float | str | None]:
        """The best validation loss, and epochs without a better one."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, bool | int | float | str | None]) -> None:
        """Go on counting."""
        self.best, self.waited = float(state["best"] or 0), int(state["waited"] or 0)


def states(callbacks: Sequence[Callback]) -> tuple[tuple[str, dict[str, Scalar]], ...]:
    """What a checkpoint holds of callbacks: name and state of each whose class overrides `state`, even if empty."""
    return tuple((_name(callback), callback.state()) for callback in _keeping(callbacks))


def restore_states(kept: tuple[tuple[str, dict[str, Scalar]], ...], callbacks: Sequence[Callback]) -> None:
    """Give callbacks back what `states` gave.

    Raises:
        RunError: these are other callbacks, or one of them can't use its state.
    """
    keeping = _keeping(callbacks)
    then, now = [name for name, _ in kept], [_name(callback) for callback in keeping]
    if now != then:  # the first checkpoints of this format lack those whose state was empty
        keeping = [callback for callback in keeping if callback.state()]
    if [_name(callback) for callback in keeping] != then:
        raise RunError(
            f"the run was watched by other callbacks that keep a state ({', '.join(then) or 'none'}) than now "
            f"({', '.join(now) or 'none'}). Pass the same callbacks, in the same order."
        )
    for callback, (name, state) in zip(keeping, kept, strict=True):
        try:
            if state or callback.state():
                callback.restore(state)
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"the checkpoint's state of the callback {name} can't be used: {error!r}.") from error


def _keeping(callbacks: Sequence[Callback]) -> list[Callback]:
    return [callback for callback in callbacks if type(callback).state is not Callback.state]


def _name(callback: Callback) -> str:
    return type(callback).__qualname__
