"""Describe a training: the recipe's settings, and how the training went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from muslin._words import count, listed, number, percent
from muslin.design import Design, Dropout
from muslin.recipe import FEW_STEPS, Adam, Distillation, Linear, Muon, Recipe
from muslin.reports.words import setting
from muslin.training.history import Epoch, History
from muslin.training.outcome import Outcome


class Setting(NamedTuple):
    """A line of the table of settings.

    Attributes:
        name: the setting.
        value: its value.
        meaning: what the value means.
    """

    name: str
    value: str
    meaning: str


class Reduction(NamedTuple):
    """A reduction of the learning rate.

    Attributes:
        epoch: the epoch before the reduction.
        before: the learning rate before it.
        after: the learning rate after it.
    """

    epoch: int
    before: float
    after: float


@dataclass(frozen=True)
class Course:
    """A training.

    Attributes:
        recipe: the recipe.
        history: metrics of each epoch.
        outcome: how the training ended; None if it did not end.
        images: number of training images.
    """

    recipe: Recipe
    history: History
    outcome: Outcome | None
    images: int

    @property
    def steps(self) -> int:
        """Number of training steps."""
        return len(self.history) * self.recipe.steps(self.images)

    @property
    def too_short(self) -> bool:
        """Whether the training had too few steps for its results to say much about the design."""
        return self.steps < FEW_STEPS

    @property
    def enough_epochs(self) -> int:
        """Number of epochs that give enough training steps."""
        return ceil(FEW_STEPS / self.recipe.steps(self.images))

    @property
    def reductions(self) -> tuple[Reduction, ...]:
        """The reductions of the learning rate on a plateau of the validation loss."""
        if self.recipe.plateau is None:
            return ()
        pairs = zip(self.history.epochs, self.history.epochs[1:], strict=False)
        return tuple(
            Reduction(first.epoch, first.learning_rate, then.learning_rate)
            for first, then in pairs
            if then.learning_rate < first.learning_rate
        )

    @property
    def kept(self) -> Epoch:
        """The epoch whose weights the network has."""
        return self.history.kept(self.outcome.restored_epoch if self.outcome else None)

    @property
    def ending(self) -> str:
        """One or two sentences: how training ended, and which weights were kept."""
        planned = self.recipe.epochs
        if self.outcome is None:
            return f"Training did not finish: the history holds {len(self.history)} of {count(planned, 'epoch')}."
        done = count(self.outcome.epochs, "epoch")
        reason = self.outcome.reason.removesuffix(".")
        how = {
            "finished": f"Training finished after {done}.",
            "early": f"Training stopped after {self.outcome.epochs} of at most {count(planned, 'epoch')}: {reason}.",
            "interrupted": f"Training was {reason}.",
            "diverged": f"{reason[:1].upper()}{reason[1:]}.",
        }[self.outcome.end]
        if self.outcome.restored_epoch is None:
            return f"{how} The network has the weights of the last step."
        loss = number(self.kept.validation_loss, 4)
        return (
            f"{how} The weights of epoch {self.outcome.restored_epoch}, which has the lowest validation loss ({loss}), "
            "were restored."
        )

    @property
    def seconds(self) -> float:
        """Training time in seconds; without an outcome, the sum over the epochs."""
        return self.outcome.seconds if self.outcome else sum(self.history.column("seconds"))


def settings(recipe: Recipe, design: Design) -> tuple[Setting, ...]:
    """Return the settings of `recipe` as they apply to `design`."""
    return tuple(_settings(recipe, design))


def _settings(recipe: Recipe, design: Design) -> Iterator[Setting]:
    yield Setting("Loss", "cross-entropy", _smoothing(recipe))
    yield from _optimizer(recipe)
    yield _schedule(recipe)
    last = (
        "the last, smaller batch of an epoch is skipped unless it is the only one"
        if recipe.drop_last
        else "the last batch of an epoch may be smaller"
    )
    yield Setting("Batch size", count(recipe.batch_size, "image"), f"images are shuffled before each epoch; {last}")
    limit = "at most " if recipe.early_stopping else ""
    yield Setting("Epochs", f"{limit}{recipe.epochs}", "passes over the training images")
    if recipe.early_stopping:
        patience = count(recipe.early_stopping.patience, "epoch")
        yield Setting(
            "Early stopping",
            f"patience {recipe.early_stopping.patience}",
            f"stops when the validation loss has not improved for {patience}, and restores the best epoch’s weights",
        )
    if recipe.plateau:
        plateau = recipe.plateau
        yield Setting(
            "Reduce on plateau",
            f"× {setting(plateau.factor)}",
            f"multiplies the learning rate when the validation loss has not improved by {setting(plateau.min_delta)} "
            f"for {count(plateau.patience, 'epoch')}; minimum {setting(plateau.floor)}",
        )
    yield _scaling(recipe)
    yield _initialization(recipe)
    yield from _dropout(recipe, design)
    yield _augmentation(recipe)
    if recipe.distillation:
        yield _teachers(recipe.distillation)


def _teachers(settings: Distillation) -> Setting:
    width = "" if settings.widen == 1 else f"{setting(settings.widen)} times the width"
    depth = "" if settings.deepen == 1 else f"{settings.deepen} convolutions for each of the design’s"
    size = " and ".join(part for part in (width, depth) if part) or "the same design"
    steps = "" if settings.learning_rate is None else f", learning rate {setting(settings.learning_rate)}"
    dropout = "" if settings.dropout is None else f", dropout {setting(settings.dropout)}"
    return Setting(
        "Teachers",
        str(settings.teachers),
        f"{size}; {count(settings.epochs, 'epoch')} each{steps}{dropout}; their soft targets, at temperature "
        f"{setting(settings.temperature)}, make up {percent(settings.weight, 0)} of the loss",
    )


def _smoothing(recipe: Recipe) -> str:
    weighted = "; every class counts the same, however many images it has" * (recipe.class_weights == "balanced")
    if recipe.label_smoothing == 0:
        return f"negative log probability of the true class{weighted}"
    spread = percent(recipe.label_smoothing, 0)
    return f"with label smoothing: {spread} of the target is spread over all classes{weighted}"


def _optimizer(recipe: Recipe) -> Iterator[Setting]:
    match recipe.optimizer:
        case Adam() as adam:
            decay = f", weight decay {setting(adam.weight_decay)}" if adam.weight_decay else ""
            yield Setting(
                "Optimizer",
                "Adam",
                f"β₁ {setting(adam.beta1)}, β₂ {setting(adam.beta2)}, ε {setting(adam.epsilon)}{decay}",
            )
        case Muon() as muon:
            yield Setting(
                "Optimizer",
                "Muon",
                f"for the kernels of all layers but the last; orthogonalized momentum {setting(muon.momentum)}, "
                f"{count(muon.iterations, 'iteration')}",
            )
            yield Setting(
                "Second optimizer",
                "Adam",
                f"for the last layer (learning rate {setting(muon.output_learning_rate)}) and the biases of the others "
                f"({setting(muon.bias_learning_rate)}); β₁ {setting(muon.beta1)}, β₂ {setting(muon.beta2)}",
            )


def _schedule(recipe: Recipe) -> Setting:
    rate = setting(recipe.optimizer.learning_rate)
    match recipe.schedule:
        case Linear() as linear:
            warmup = f"linear warmup over {percent(linear.warmup, 0)} of the steps, then " if linear.warmup else ""
            return Setting(
                "Learning rate", rate, f"{warmup}linear decay that reaches zero one step after the last step"
            )
        case _:
            exception = " except for reductions on a plateau" if recipe.plateau else ""
            return Setting("Learning rate", rate, f"constant{exception}")


_FIRST_WEIGHTS = {
    "glorot": ("Glorot", "kernels uniform within ±√(6 / (fan-in + fan-out)); biases zero"),
    "he": ("He", "kernels normal with variance 2 / fan-in; biases zero"),
    "pytorch": ("PyTorch", "uniform within ±1 / √(fan-in); the last layer’s biases zero"),
}
_SCALINGS = {
    "unit": ("0 to 1", "the range that the trained network expects"),
    "none": ("0 to 255", "during training; afterward the factor is folded into the first layer’s weights"),
    "standardized": (
        "standardized",
        "to zero mean and unit variance during training; afterward this is folded into the first layer’s weights",
    ),
}


def _initialization(recipe: Recipe) -> Setting:
    return Setting("Initialization", *_FIRST_WEIGHTS[recipe.initialization])


def _scaling(recipe: Recipe) -> Setting:
    return Setting("Pixels", *_SCALINGS[recipe.input_scaling])


def _dropout(recipe: Recipe, design: Design) -> Iterator[Setting]:
    layers = [layer for layer in design.layers if isinstance(layer, Dropout)]
    if not layers:
        return
    names = listed([layer.name for layer in layers])
    rates = listed(sorted({f"{layer.rate:g}" for layer in layers}))
    if recipe.dropout is None:
        yield Setting("Dropout", rates, f"the design’s ({names})")
    else:
        yield Setting("Dropout", setting(recipe.dropout), f"replaces the design’s {rates} ({names})")


def _augmentation(recipe: Recipe) -> Setting:
    augmentation, what, meanings = recipe.augmentation, [], []
    if augmentation.flip:
        what.append("horizontal flip")
        meanings.append("each image in every other epoch")
    if augmentation.shift:
        what.append("random shift")
        meanings.append(f"by at most {count(augmentation.shift, 'pixel')} along each axis")
    if not what:
        return Setting("Augmentation", "none", "images are used unchanged")
    return Setting("Augmentation", listed(what), "; ".join(meanings))
