"""`muslin evaluate`: a run on the test split."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from muslin.cli._options import DataChoice, data_options, json_option, output_options
from muslin.cli._output import Output

if TYPE_CHECKING:
    from rich.table import Table

    from muslin.evaluation import Evaluation


@click.command()
@click.argument("run", default="latest")
@data_options
@json_option
@output_options
def command(run: str, data: DataChoice, as_json: bool, output: Output) -> None:
    """Measure RUN (a run folder, or 'latest') on the test split.

    The split is opened once: the answers are kept in the run folder and read from there the next time.
    """
    from muslin.runs.folder import RunFolder  # noqa: PLC0415  (--help does without)

    folder = RunFolder.open(run)
    evaluation = folder.evaluation
    if evaluation is None or folder.measured is None:
        from muslin._interruption import going_on_with  # noqa: PLC0415  (only where it takes a while)
        from muslin.workflow.trained_run import Run  # noqa: PLC0415  (torch: only where something is computed)

        with going_on_with(f"muslin evaluate {shlex.quote(str(folder.path))}"):
            evaluation = Run(folder).open_test(data.of_run(folder, output))
    else:
        output.note("The test split was opened before; these are the answers kept in the run folder.")
    if as_json:
        output.answer_json(folder.measured)
        return
    low, high = evaluation.accuracy_interval
    output.answer(
        f"Test accuracy {evaluation.accuracy:.2%} [{low:.2%}, {high:.2%}] on {len(evaluation.labels):,} images, "
        f"loss {evaluation.loss:.4f}, calibration error {evaluation.calibration.error:.2%}",
        _per_class(evaluation),
    )


def _per_class(evaluation: Evaluation) -> Table:
    from rich import box  # noqa: PLC0415  (--help and --json do without)
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("class")
    for head in ("precision", "recall", "F1", "images"):
        table.add_column(head, justify="right")
    for row in evaluation.per_class:
        table.add_row(row.name, f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", f"{row.support:,}")
    table.add_section()
    mean = evaluation.macro
    images = f"{len(evaluation.labels):,}"
    table.add_row("mean of classes", f"{mean.precision:.3f}", f"{mean.recall:.3f}", f"{mean.f1:.3f}", images)
    return table
