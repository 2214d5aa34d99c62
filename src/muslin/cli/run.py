"""`muslin run`: from image files to a trained, examined, reported and saved network."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from muslin.cli._options import DataChoice, data_options, json_option, output_options
from muslin.cli._output import Output
from muslin.cli._training import (
    INTERRUPTED,
    TrainingChoice,
    how_to_go_on,
    is_interrupted,
    note_few_steps,
    training_options,
)

if TYPE_CHECKING:
    from muslin.workflow.trained_run import Run


@click.command()
@click.argument("design", default="custom_cnn")
@click.option(
    "--baseline",
    metavar="DESIGN",
    help="Compare with this design, or 'none'; the design's own by default.",
)
@training_options
@data_options
@json_option
@output_options
def command(
    design: str, baseline: str | None, training: TrainingChoice, data: DataChoice, as_json: bool, output: Output
) -> None:
    """Train DESIGN and a baseline, measure both, check the design's claims, draw, export, and write a report.

    DESIGN is a name from the library or a TOML file; custom_cnn by default. Everything ends up in one folder under
    runs/, and runs/latest points at it.
    """
    from muslin.design import load_baseline  # noqa: PLC0415  (--help does without)

    chosen, recipe = training.design(design), training.recipe()
    dataset = training.data(data, output)
    output.note(f"{len(dataset.train):,} training images from {dataset.source}")
    note_few_steps(recipe, dataset, output)
    from muslin.training.progress import ShowProgress  # noqa: PLC0415
    from muslin.workflow import run as pipeline  # noqa: PLC0415  (torch: after everything that may be wrong with the arguments)

    settings = pipeline.Settings(
        seed=training.chosen_seed,
        out=training.out,
        device=training.device,
        precision=training.precision,
        resume=training.resume,
        say=output.note,
        watch=lambda name: [ShowProgress(output.notes, name)],
    )
    run = pipeline.run_everything(chosen, dataset, recipe, load_baseline(chosen, baseline), settings)
    if as_json:
        output.answer_json(_as_dict(run))
    else:
        output.answer(_summary(run))
    if is_interrupted(run.folder):
        sys.exit(INTERRUPTED)


def _summary(run: Run) -> str:
    from muslin.evaluation import compare  # noqa: PLC0415  (--help does without)

    test, outcome = run.folder.evaluation, run.record.outcome
    if test is None or outcome is None:
        return f"The run in {run.folder.path} did not get as far as the test split.{how_to_go_on('run', run.folder)}"
    low, high = test.accuracy_interval
    lines = [
        f"Test accuracy {test.accuracy:.2%} [{low:.2%}, {high:.2%}], loss {test.loss:.4f}, "
        f"{run.analysis.parameters:,} parameters, trained in {outcome.seconds:.0f} s"
    ]
    baseline = run.baseline
    if baseline is not None and baseline.folder.evaluation is not None:
        gain = compare(test, baseline.folder.evaluation)
        lines.append(
            f"{baseline.design.name}: {baseline.folder.evaluation.accuracy:.2%}, {baseline.analysis.parameters:,} "
            f"parameters. Improvement {gain.points:+.2f} points [{gain.interval.low:+.2f}, {gain.interval.high:+.2f}]"
        )
    claims = run.claims()
    if claims:
        held = sum(row.verdict == "holds" for row in claims)
        lines.append(f"Claims: {held} of {len(claims)} hold")
        lines += [
            f"  does not hold: {row.claim.says} Measured: {row.found}"
            for row in claims
            if row.verdict == "does not hold"
        ]
    return "\n".join([*lines, f"Report: {run.folder.report_path}"])


def _as_dict(run: Run) -> dict[str, object]:
    baseline = run.baseline
    return {
        "folder": str(run.folder.path),
        "report": str(run.folder.report_path),
        "run": run.record.model_dump(mode="json"),
        "evaluation": run.folder.measured,
        "baseline": baseline.folder.measured if baseline else None,
        "claims": [
            {"says": row.claim.says, "expected": row.expected, "measured": row.found or None, "verdict": row.verdict}
            for row in run.claims()
        ],
    }
