"""`muslin train`: train a design."""

from __future__ import annotations

import sys

import click

from muslin.cli._options import DataChoice, data_options, json_option, output_options
from muslin.cli._output import Output
from muslin.cli._training import (
    INTERRUPTED,
    TrainingChoice,
    describe_outcome,
    is_interrupted,
    note_few_steps,
    training_options,
)


@click.command()
@click.argument("design", default="custom_cnn")
@training_options
@data_options
@json_option
@output_options
def command(design: str, training: TrainingChoice, data: DataChoice, as_json: bool, output: Output) -> None:
    """Train DESIGN (a name from the library or a TOML file; custom_cnn by default).

    The test split stays closed: `muslin evaluate` opens it. Ctrl-C ends after the step under way and keeps the best
    weights so far; `muslin train --resume RUN` then goes on from that very step.
    """
    chosen, recipe = training.design(design), training.recipe()
    dataset = training.data(data, output)
    note_few_steps(recipe, dataset, output)
    from muslin.training.progress import ShowProgress  # noqa: PLC0415
    from muslin.workflow import train as training_run  # noqa: PLC0415  (torch: after everything that may be wrong with the arguments)

    run = training_run.train(
        chosen,
        dataset,
        recipe,
        seed=training.chosen_seed,
        out=training.out,
        device=training.device,
        precision=training.precision,
        callbacks=[ShowProgress(output.notes, chosen.name)],
        resume=training.resume,
        say=output.note,
    )
    if output.verbose and (outcome := run.record.outcome):
        from muslin.engine import build  # noqa: PLC0415  (torch: loaded by now)

        output.detail(build.describe(outcome.precision))
    if as_json:
        output.answer_json({"folder": str(run.folder.path), **run.record.model_dump(mode="json")})
    else:
        output.answer(describe_outcome(run.folder))
    if is_interrupted(run.folder):
        sys.exit(INTERRUPTED)
