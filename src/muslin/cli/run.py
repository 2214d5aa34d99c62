"""`muslin run`: from image files to a trained, evaluated, exported and reported network."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from muslin._words import between, count, difference, duration, number, percent
from muslin.cli._complete import designs
from muslin.cli._options import data_options, design_argument, json_option, output_options, training_options
from muslin.cli._output import Output
from muslin.cli._training import INTERRUPTED, how_to_resume, is_interrupted

if TYPE_CHECKING:
    from muslin.workflow.trained_run import Run


@click.command()
@design_argument
@click.option(
    "--baseline",
    metavar="DESIGN",
    shell_complete=designs,
    help="Design to compare with, or 'none'.  [default: the design's own, else dense_baseline]",
)
@training_options
@data_options
@click.option("--open", "open_page", is_flag=True, help="Open the report in the browser.")
@json_option
@output_options
def command(as_json: bool, output: Output, **options: Any) -> None:
    """Train DESIGN and a baseline, evaluate both, check the design's claims, draw, export, and write a report.

    DESIGN is a name from the library or a TOML file; custom_cnn by default. Everything is written to one folder under
    runs/, and runs/latest points at it.
    """
    from muslin.workflow.run import run  # noqa: PLC0415  (--help does without torch)

    done = run(**options, progress=output.observer)
    if as_json:
        output.answer_json(_as_dict(done))
    else:
        output.answer(_summary(done))
    if is_interrupted(done.folder):
        sys.exit(INTERRUPTED)


def _summary(run: Run) -> str:
    from muslin.evaluation import compare  # noqa: PLC0415  (--help does without)

    test, outcome = run.folder.evaluation, run.record.outcome
    if test is None or outcome is None:
        return f"The run in {run.folder.path} was not evaluated yet.{how_to_resume('run', run.folder)}"
    low, high = test.accuracy_interval
    lines = [
        f"Test accuracy {percent(test.accuracy, 2)} [{between(100 * low, 100 * high, 2, '%')}], loss {test.loss:.4f}, "
        f"{number(run.analysis.parameters)} parameters, trained in {duration(outcome.seconds)}"
    ]
    baseline = run.baseline
    if baseline is not None and baseline.folder.evaluation is not None:
        gain = compare(test, baseline.folder.evaluation)
        lines.append(
            f"{baseline.design.name}: {percent(baseline.folder.evaluation.accuracy, 2)}, "
            f"{number(baseline.analysis.parameters)} parameters; {run.design.name} is "
            f"{difference(gain.points, 'points')} [{between(*gain.interval, 2)}]"
        )
    return "\n".join([*lines, *_claims(run), f"Report: {run.folder.report_path}"])


def _claims(run: Run) -> list[str]:
    claims = run.claims()
    if not claims:
        return []
    held = sum(row.verdict == "holds" for row in claims)
    failed = [row for row in claims if row.verdict == "does not hold"]
    whose = f"{count(len(claims), 'claim')} of the design's author: {held} hold"
    kept = f", {len(failed)} do not. A design ships with its claims as they were made, right or wrong:"
    return [
        whose + (kept if failed else ""),
        *(f"  does not hold: {row.claim.says} Measured: {row.found}" for row in failed),
    ]


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
