"""`muslin train`: train a design."""

from __future__ import annotations

import sys
from typing import Any

import click

from muslin.cli._options import data_options, design_argument, json_option, output_options, training_options
from muslin.cli._output import Output
from muslin.cli._training import INTERRUPTED, describe_outcome, is_interrupted, next_step


@click.command()
@design_argument
@training_options
@data_options
@json_option
@output_options
def command(as_json: bool, output: Output, **options: Any) -> None:
    """Train DESIGN (a name from the library or a TOML file; custom_cnn by default).

    The test split stays closed: `muslin evaluate` opens it. Ctrl-C ends training after the current step and keeps the
    best weights so far; `muslin train --resume RUN` then resumes from that step.
    """
    from muslin.workflow.train import train  # noqa: PLC0415  (--help does without torch)

    run = train(**options, progress=output.observer)
    if output.verbose and (outcome := run.record.outcome):
        from muslin.engine import build  # noqa: PLC0415  (torch: loaded by now)

        output.detail(build.describe(outcome.precision))
    if as_json:
        output.answer_json({"folder": str(run.folder.path), **run.record.model_dump(mode="json")})
    else:
        output.answer(describe_outcome(run.folder))
        if not (output.quiet or is_interrupted(run.folder)):
            output.answer(next_step(run.folder))
    if is_interrupted(run.folder):
        sys.exit(INTERRUPTED)
