"""A training in words: what the recipe prescribes, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from muslin._words import count, number
from muslin.design import Design, Dropout
from muslin.recipe import FEW_STEPS, Adam, Distillation, Linear, Muon, Recipe
from muslin.reports.words import listed, percent, setting
from muslin.training.history import Epoch, History
from muslin.training.outcome import Outcome


class Setting(NamedTuple):
    """One line of the set-up table: what it is called, its value, and what that means."""

    name: str
    value: str
    meaning: str


class Reduction(NamedTuple):
    """A lowering of the learning rate after an epoch."""

    epoch: int
    before: float
    after: float


@dataclass(frozen=True)
class Course:
    """How a training went, as far as its history and outcome tell.

    Attributes:
        recipe: what was prescribed.
        history: what happened, epoch by epoch.
        outcome: how it ended; None if it never did.
        images: training images.
    """

    recipe: Recipe
    history: History
    outcome: Outcome | None
    images: int

    @property
    def steps(self) -> int:
        """Steps in the epochs on record."""
        return len(self.history) * self.recipe.steps(self.images)

    @property
    def too_short(self) -> bool:
        """Whether there were so few steps that the network may be half trained."""
        return self.steps < FEW_STEPS

    @property
    def reductions(self) -> tuple[Reduction, ...]:
        """Where the learning rate was lowered because validation stood still."""
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
        """The epoch whose weights the network now has."""
        return self.history.kept(self.outcome.restored_epoch if self.outcome else None)

    @property
    def ending(self) -> str:
        """When training ended and which weights were kept, in a sentence or two."""
        planned = self.recipe.epochs
        if self.outcome is None:
            return f"Training never came to its end: {count(len(self.history), 'epoch')} of {planned} are on record."
        done = count(self.outcome.epochs, "epoch")
        reason = self.outcome.reason.removesuffix(".")
        how = {
            "finished": f"Training went its full length of {done}.",
            "early": f"Training stopped after {done} of at most {planned}: {reason}.",
            "interrupted": f"Training was {reason}.",
            "diverged": f"{reason[:1].upper()}{reason[1:]}.",
        }[self.outcome.end]
        if self.outcome.restored_epoch is None:
            return f"{how} The weights of the last step were kept."
        loss = number(self.kept.validation_loss, 4)
        return (
            f"{how} The weights of epoch {self.outcome.restored_epoch}, which has the lowest validation loss ({loss}), "
            "were put back and are the network’s."
        )

    @property
    def seconds(self) -> float:
        """How long training took; without an outcome, the time of the epochs on record."""
        return self.outcome.seconds if self.outcome else sum(self.history.column("seconds"))


def settings(recipe: Recipe, design: Design) -> tuple[Setting, ...]:
    """The recipe as a table."""
    return tuple(_settings(recipe, design))


def _settings(recipe: Recipe, design: Design) -> Iterator[Setting]:
    yield Setting("Loss", "cross-entropy", _smoothing(recipe))
    yield from _optimizer(recipe)
    yield _schedule(recipe)
    last = (
        "an epoch’s last, smaller batch is left out, unless it is the only one"
        if recipe.drop_last
        else "the last, smaller batch counts too"
    )
    yield Setting("Batch", count(recipe.batch_size, "image"), f"shuffled anew for every epoch; {last}")
    limit = "unless stopped before" if recipe.early_stopping else "no more, no fewer"
    yield Setting("Epochs", str(recipe.epochs), f"passes over the training images; {limit}")
    if recipe.early_stopping:
        patience = count(recipe.early_stopping.patience, "epoch")
        yield Setting(
            "Early stopping",
            f"patience {recipe.early_stopping.patience}",
            f"ends when the validation loss has not improved for {patience}, and puts back the best epoch’s weights",
        )
    if recipe.plateau:
        plateau = recipe.plateau
        yield Setting(
            "Reduction on a plateau",
            f"× {setting(plateau.factor)}",
            f"of the learning rate, when the validation loss has not improved by {setting(plateau.min_delta)} for "
            f"{count(plateau.patience, 'epoch')}; never below {setting(plateau.floor)}",
        )
    yield _scaling(recipe)
    yield _initialization(recipe)
    yield from _dropout(recipe, design)
    yield _augmentation(recipe)
    if recipe.distillation:
        yield _teachers(recipe.distillation)


def _teachers(settings: Distillation) -> Setting:
    width = "" if settings.widen == 1 else f"of {setting(settings.widen)} times the width"
    depth = "" if settings.deepen == 1 else f"with {settings.deepen} convolutions for each of the design’s"
    size = " and ".join(part for part in (width, depth) if part) or "of the same design"
    steps = "" if settings.learning_rate is None else f", at a learning rate of {setting(settings.learning_rate)}"
    dropout = "" if settings.dropout is None else f", with dropout {setting(settings.dropout)}"
    return Setting(
        "Teachers",
        str(settings.teachers),
        f"{size}, trained for {count(settings.epochs, 'epoch')} each{steps}{dropout}; their answers, at "
        f"temperature {setting(settings.temperature)}, make {percent(settings.weight, 0)} of the loss",
    )


def _smoothing(recipe: Recipe) -> str:
    if recipe.label_smoothing == 0:
        return "minus the logarithm of the probability given to the true class"
    return f"with {percent(recipe.label_smoothing, 0)} of the target spread over all classes (label smoothing)"


def _optimizer(recipe: Recipe) -> Iterator[Setting]:
    match recipe.optimizer:
        case Adam() as adam:
            decay = f", weight decay {setting(adam.weight_decay)}" if adam.weight_decay else ""
            yield Setting(
                "Optimizer",
                "Adam",
                f"a step size for each weight; β₁ {setting(adam.beta1)}, β₂ {setting(adam.beta2)}, "
                f"ε {setting(adam.epsilon)}{decay}",
            )
        case Muon() as muon:
            yield Setting(
                "Optimizer",
                "Muon",
                "on the kernels of all layers but the last: steps along the orthogonalized momentum "
                f"({setting(muon.momentum)}, {count(muon.iterations, 'iteration')})",
            )
            yield Setting(
                "Second optimizer",
                "Adam",
                f"on the last layer, learning rate {setting(muon.output_learning_rate)}, and on all other biases, "
                f"{setting(muon.bias_learning_rate)}; β₁ {setting(muon.beta1)}, β₂ {setting(muon.beta2)}",
            )


def _schedule(recipe: Recipe) -> Setting:
    rate = setting(recipe.optimizer.learning_rate)
    match recipe.schedule:
        case Linear() as linear:
            warmup = f"reached after {percent(linear.warmup, 0)} of the steps, then falls" if linear.warmup else "falls"
            return Setting(
                "Learning rate", rate, f"{warmup} in a straight line to zero, which would come one step after the last"
            )
        case _:
            return Setting("Learning rate", rate, "constant" + (" until reduced" if recipe.plateau else ""))


_FIRST_WEIGHTS = {
    "glorot": ("Glorot", "kernels uniform within ±√(6 / (fan in + fan out)); biases zero"),
    "he": ("He", "kernels normal with variance 2 / fan in; biases zero"),
    "pytorch": ("PyTorch", "uniform within ±1 / √(fan in); the last layer’s biases zero"),
}
_SCALINGS = {
    "unit": ("0 to 1", "as the finished network takes them"),
    "none": ("0 to 255", "while training; the factor is folded into the first weights afterwards"),
    "standardized": (
        "standardized",
        "mean off, over the deviation, while training; folded into the first weights afterwards",
    ),
}


def _initialization(recipe: Recipe) -> Setting:
    return Setting("First weights", *_FIRST_WEIGHTS[recipe.initialization])


def _scaling(recipe: Recipe) -> Setting:
    return Setting("Pixels", *_SCALINGS[recipe.input_scaling])


def _dropout(recipe: Recipe, design: Design) -> Iterator[Setting]:
    layers = [layer for layer in design.layers if isinstance(layer, Dropout)]
    if not layers:
        return
    names = listed([layer.name for layer in layers])
    rates = listed(sorted({f"{layer.rate:g}" for layer in layers}))
    if recipe.dropout is None:
        yield Setting("Dropout", rates, f"as the design says ({names})")
    else:
        yield Setting("Dropout", setting(recipe.dropout), f"in place of the design’s {rates} ({names})")


def _augmentation(recipe: Recipe) -> Setting:
    augmentation, what, meanings = recipe.augmentation, [], []
    if augmentation.flip:
        what.append("mirrored")
        meanings.append("each image in every other epoch")
    if augmentation.shift:
        what.append("shifted")
        meanings.append(f"by up to {count(augmentation.shift, 'pixel')} along each axis, at random")
    if not what:
        return Setting("Augmentation", "none", "the images are seen as they are")
    return Setting("Augmentation", listed(what), "; ".join(meanings))
