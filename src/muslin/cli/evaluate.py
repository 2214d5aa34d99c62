"""`muslin evaluate`: a run on the test split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from muslin._words import between, number, percent
from muslin.cli._options import data_options, json_option, output_options, run_argument
from muslin.cli._output import Output

if TYPE_CHECKING:
    from rich.table import Table

    from muslin.evaluation import Evaluation


@click.command()
@run_argument
@data_options
@json_option
@output_options
def command(run: str, as_json: bool, output: Output, **options: Any) -> None:
    """Evaluate RUN (a run folder, or 'latest') on the test split.

    The split is opened once: the answers are kept in the run folder, and read from there the next time.
    """
    from muslin.workflow.evaluate import evaluate  # noqa: PLC0415  (--help does without)
    from muslin.workflow.inputs import open_run  # noqa: PLC0415  (likewise)

    folder = open_run(run)
    evaluation = evaluate(folder, **options, progress=output.observer)
    if as_json:
        output.answer_json(folder.measured)
        return
    low, high = evaluation.accuracy_interval
    output.answer(
        f"Test accuracy {percent(evaluation.accuracy, 2)} [{between(100 * low, 100 * high, 2, '%')}] on "
        f"{number(len(evaluation.labels))} images, balanced accuracy {percent(evaluation.balanced_accuracy, 2)}, macro "
        f"F1 {evaluation.macro.f1:.3f}, loss {evaluation.loss:.4f}, calibration error "
        f"{percent(evaluation.calibration.error, 2)}",
        *evaluation.cautions,
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
