"""`muslin compare`: runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muslin.cli._options import json_option, output_options
from muslin.cli._output import Output

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from muslin.runs.folder import RunFolder

NARROWEST_NAME = 12  # columns that a run's name keeps, folded; numbers are never cut


@click.command()
@click.argument("runs", nargs=-1)
@json_option
@output_options
def command(runs: tuple[str, ...], as_json: bool, output: Output) -> None:
    """Put RUNS (run folders; all under runs/ by default) side by side.

    Validation accuracy is what to choose by. Test accuracies stand beside it where the test split was opened.
    """
    from muslin.errors import MuslinError, RunError  # noqa: PLC0415  (--help does without)
    from muslin.runs.folder import RUNS, RunFolder, list_runs  # noqa: PLC0415

    places = list(runs) or [str(folder.path) for folder in list_runs()]
    if not places:
        raise RunError(f"there are no runs in {Path(RUNS).resolve()}. `muslin train` or `muslin run` makes one.")
    rows, damaged = [], []
    for place in places:
        try:
            rows.append(_row(RunFolder.open(place)))
        except MuslinError as error:
            damaged.append(error)
    if not rows:
        raise damaged[0]
    for reason in damaged:
        output.note(f"Left out: {reason}")
    if as_json:
        output.answer_json(rows)
        return
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("run", overflow="fold")
    for head in ("parameters", "MACs", "epochs", "seconds", "validation", "test"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["run"],
            f"{row['parameters']:,}",
            f"{row['macs']:,}",
            _shown(row["epochs"], "{}"),
            _shown(row["seconds"], "{:.1f}"),
            _shown(row["validation_accuracy"], "{:.2%}"),
            _shown(row["test_accuracy"], "{:.2%}"),
        )
    _spare_numbers(table, output.answers)
    output.answer(table)
    if len({row["data"] for row in rows}) > 1:
        output.note("These runs were trained on different images: their accuracies don't compare.")


def _spare_numbers(table: Table, console: Console) -> None:
    """Let the table's lines run over where even folded names leave too little room for the numbers."""
    from rich.measure import Measurement  # noqa: PLC0415  (--json does without)

    name = table.columns[0]
    name.max_width = NARROWEST_NAME
    needed = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
    name.max_width = None
    if needed > console.width:
        table.width = needed


def _row(folder: RunFolder) -> dict[str, Any]:
    from muslin.analysis import analyze  # noqa: PLC0415  (--help does without)

    record, analysis, outcome = folder.record, analyze(folder.design), folder.record.outcome
    kept = None
    if outcome is not None and len(folder.history):
        kept = folder.history.kept(outcome.restored_epoch)
    return {
        "run": folder.name,
        "design": record.design,
        "recipe": record.recipe.name,
        "seed": record.seed,
        "data": record.data.fingerprint,
        "parameters": analysis.parameters,
        "macs": analysis.macs,
        "epochs": outcome.epochs if outcome else None,
        "seconds": outcome.seconds if outcome else None,
        "validation_accuracy": kept.validation_accuracy if kept else None,
        "test_accuracy": folder.evaluation.accuracy if folder.evaluation else None,
    }


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
