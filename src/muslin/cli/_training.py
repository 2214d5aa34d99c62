"""What the verbs that train share: options, and how the answer is told."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muslin._words import count

if TYPE_CHECKING:
    from muslin.cli._options import DataChoice
    from muslin.cli._output import Output
    from muslin.data import Dataset
    from muslin.design import Design
    from muslin.recipe import Recipe
    from muslin.runs.folder import RunFolder

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
    resume: str | None
    given: frozenset[str]

    @functools.cached_property
    def resumed(self) -> RunFolder | None:
        """The run to go on with, if any."""
        from muslin.runs.folder import RunFolder  # noqa: PLC0415  (--help does without)

        return RunFolder.open(self.resume) if self.resume else None

    def design(self, name: str) -> Design:
        """The design: the resumed run's own, unless another was asked for."""
        from muslin.design import load_design  # noqa: PLC0415  (--help does without)

        return self.resumed.design if self.resumed and "design" not in self.given else load_design(name)

    def recipe(self) -> Recipe:
        """The recipe, with --epochs applied; the resumed run's own, unless another was asked for."""
        from muslin.recipe import load_recipe  # noqa: PLC0415  (--help does without)

        own = self.resumed and "recipe_name" not in self.given
        recipe = self.resumed.record.recipe if self.resumed and own else load_recipe(self.recipe_name)
        return recipe if self.epochs is None else recipe.with_(epochs=self.epochs)

    @property
    def chosen_seed(self) -> int:
        """The seed: the resumed run's own, unless another was asked for."""
        return self.resumed.record.seed if self.resumed and "seed" not in self.given else self.seed

    def data(self, choice: DataChoice, output: Output) -> Dataset:
        """The images: if a run is resumed and nothing else was asked for, the sample where it was trained on that."""
        return choice.of_run(self.resumed, output) if self.resumed else choice.load(output)


def training_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of training, from --recipe to --resume; the verb gets `training: TrainingChoice`."""

    @click.option(
        "--recipe",
        "recipe_name",
        default="fast",
        show_default=True,
        help="best, fast, notebook, or a TOML file.",
    )
    @click.option("--epochs", type=int, help="At most this many epochs, instead of the recipe's own number.")
    @click.option(
        "--seed",
        type=click.IntRange(min=0, max=2**32 - 1),
        default=0,
        show_default=True,
        help="Seed of the initial weights, the order of images, augmentation and dropout.",
    )
    @click.option("--device", help="cpu, cuda or mps; the best there is by default.")
    @click.option(
        "--precision",
        type=click.Choice(["float32", "bfloat16"]),
        help="Precision of matrix products; bfloat16 by default where the hardware multiplies it natively.",
    )
    @click.option(
        "-o",
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("runs"),
        show_default=True,
        help="The folder that the run folder is made in.",
    )
    @click.option(
        "--resume",
        metavar="RUN",
        help="Go on with an interrupted run: its folder, or 'latest'. Design, recipe and seed are its own.",
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
        resume: str | None,
        **options: Any,
    ) -> Any:
        context = click.get_current_context()
        given = frozenset(
            name
            for name in ("design", "recipe_name", "seed")
            if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        )
        choice = TrainingChoice(recipe_name, epochs, seed, device, precision, out, resume, given)
        return verb(*arguments, training=choice, **options)

    return with_training


def describe_outcome(folder: RunFolder) -> str:
    """How a training went, in a few lines."""
    from muslin.training.cost import share_of_peak  # noqa: PLC0415  (torch: loaded by now)

    outcome, history = folder.record.outcome, folder.history
    if outcome is None or not len(history):
        why = f": {outcome.reason}" if outcome and outcome.end == "interrupted" else ""
        return f"No epoch was finished{why}. The weights so far are in {folder.path}.{how_to_go_on('train', folder)}"
    epoch = history.kept(outcome.restored_epoch)
    restored = f"; the weights of epoch {epoch.epoch} were restored" if outcome.restored_epoch else ""
    share = share_of_peak(folder.design, outcome)
    known = ", ".join(f"{accuracy:.2%}" for accuracy in outcome.teachers)
    teachers = f" (its {'teacher' if len(outcome.teachers) == 1 else 'teachers'}: {known})" if known else ""
    reached = f", {share:.0%} of this machine's matrix-product peak" if share else ""
    return (
        f"{count(outcome.epochs, 'epoch')} in {outcome.seconds:.1f} s, "
        f"{outcome.images_per_second:,.0f} images/s{reached} "
        f"({outcome.precision}, {outcome.device}, {outcome.threads} threads): {outcome.reason}{restored}.\n"
        f"Validation accuracy {epoch.validation_accuracy:.2%}, loss {epoch.validation_loss:.4f}{teachers}.\n"
        f"The run is in {folder.path}.{how_to_go_on('train', folder)}"
    )


def note_few_steps(recipe: Recipe, data: Dataset, output: Output) -> None:
    """Say so where a recipe made for large data sets will hardly train at all."""
    from muslin.recipe import FEW_STEPS  # noqa: PLC0415  (--help does without)

    steps = recipe.epochs * recipe.steps(len(data.train))
    if steps < FEW_STEPS:
        output.note(
            f"Few images: {len(data.train):,} give the recipe '{recipe.name}' only {count(steps, 'step')} in "
            f"{count(recipe.epochs, 'epoch')}, and the network may stay half trained. Give it more with --epochs, or "
            "take --recipe notebook."
        )


def is_interrupted(folder: RunFolder) -> bool:
    """Whether training was interrupted, the run's own or its baseline's."""
    outcome = folder.record.outcome
    if outcome is not None and outcome.end == "interrupted":
        return True
    return folder.baseline is not None and is_interrupted(folder.baseline)


def how_to_go_on(verb: str, folder: RunFolder) -> str:
    """The command that goes on with an interrupted run, on a line of its own; nothing for other runs."""
    if not is_interrupted(folder):
        return ""
    return f"\nTo go on as if it had never been stopped: muslin {verb} --resume {shlex.quote(str(folder.path))}"
