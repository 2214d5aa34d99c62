"""What the verbs that train share: options, and how the answer is told."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from muslin.folder import RunFolder
    from muslin.recipe import Recipe

INTERRUPTED = 130


@dataclass(frozen=True)
class TrainingChoice:
    """How the person wants to train."""

    recipe_name: str
    epochs: int | None
    seed: int
    device: str | None
    precision: str | None
    out: Path

    def recipe(self) -> Recipe:
        """The recipe, with --epochs applied."""
        from muslin.recipe import load_recipe  # noqa: PLC0415  (--help does without)

        recipe = load_recipe(self.recipe_name)
        return recipe if self.epochs is None else recipe.with_(epochs=self.epochs)


def training_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add --recipe, --epochs, --seed, --device, --precision and -o; the verb gets `training: TrainingChoice`."""

    @click.option(
        "--recipe",
        "recipe_name",
        default="fast",
        show_default=True,
        help="fast, notebook, or a TOML file.",
    )
    @click.option("--epochs", type=int, help="At most this many epochs, instead of the recipe's own number.")
    @click.option(
        "--seed",
        type=click.IntRange(min=0, max=2**32 - 1),
        default=0,
        show_default=True,
        help="Of the initial weights, the order of images, augmentation and dropout.",
    )
    @click.option("--device", help="cpu, cuda or mps; the best there is by default.")
    @click.option(
        "--precision",
        type=click.Choice(["float32", "bfloat16"]),
        help="Of matrix products; bfloat16 by default where the hardware multiplies it natively.",
    )
    @click.option(
        "-o",
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("runs"),
        show_default=True,
        help="The folder that the run folder is made in.",
    )
    @functools.wraps(verb)
    def with_training(
        *arguments: Any,
        recipe_name: str,
        epochs: int | None,
        seed: int,
        device: str | None,
        precision: str | None,
        out: Path,
        **options: Any,
    ) -> Any:
        choice = TrainingChoice(recipe_name, epochs, seed, device, precision, out)
        return verb(*arguments, training=choice, **options)

    return with_training


def describe_outcome(folder: RunFolder) -> str:
    """How a training went, in a few lines."""
    outcome, history = folder.record.outcome, folder.history
    if outcome is None or not len(history):
        return f"No epoch was finished. The weights so far are in {folder.path}."
    epoch = history.epochs[outcome.restored_epoch - 1] if outcome.restored_epoch else history.last
    restored = f"; the weights of epoch {epoch.epoch} were restored" if outcome.restored_epoch else ""
    return (
        f"{outcome.epochs} epochs in {outcome.seconds:.1f} s, {outcome.images_per_second:,.0f} images/s "
        f"({outcome.precision}, {outcome.device}, {outcome.threads} threads): {outcome.reason}{restored}.\n"
        f"Validation accuracy {epoch.validation_accuracy:.2%}, loss {epoch.validation_loss:.4f}.\n"
        f"The run is in {folder.path}."
    )
