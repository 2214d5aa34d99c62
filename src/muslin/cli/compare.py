"""`muslin compare`: runs side by side."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from muslin._words import between, difference, number, percent
from muslin.cli._complete import runs as run_names
from muslin.cli._options import json_option, output_options
from muslin.cli._output import Output

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 100  # columns of a terminal that has room for the whole name of a run
NARROWEST_NAME = 12  # columns that a run's name keeps, folded; numbers are never cut


@click.command()
@click.argument("runs", nargs=-1, shell_complete=run_names)
@json_option
@output_options
def command(runs: tuple[str, ...], as_json: bool, output: Output) -> None:
    """Put RUNS (run folders; all under runs/ by default) side by side.

    Choose by validation accuracy. Test accuracies stand beside it where the test split was opened. For two runs that
    were evaluated on the same test images, the difference is tested image by image (McNemar, Tango's interval).
    """
    from muslin.workflow.compare import compare  # noqa: PLC0415  (--help does without)

    found = compare(*runs)
    for reason in found.left_out:
        output.note(f"Left out: {reason}")
    if as_json:
        output.answer_json(found.to_dict())
        return
    from rich import box  # noqa: PLC0415  (--json does without)
    from rich.table import Table  # noqa: PLC0415  (likewise)

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", overflow="fold")
    for head in ("parameters", "MACs", "epochs", "seconds", "validation", "test"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in found.runs:
        table.add_row(
            _in_lines(row.run, output.answers.width),
            number(row.parameters),
            number(row.macs),
            _shown(row.epochs, number),
            _shown(row.seconds, lambda seconds: number(seconds, 1)),
            _shown(row.validation_accuracy, lambda share: percent(share, 2)),
            _shown(row.test_accuracy, lambda share: percent(share, 2)),
        )
    _spare_numbers(table, output.answers)
    output.answer(table)
    gain = found.improvement
    if gain is not None:
        output.answer(
            f"On the same {number(gain.images)} test images the first run is {difference(gain.points, 'points')} "
            f"[{between(*gain.interval, 2)}], p = {gain.p_value:.2g}."
        )
    if not found.same_data:
        output.note("These runs were trained on different images: their accuracies do not compare.")


def _in_lines(run: str, width: int) -> str:
    """Return the name of a run, broken at its parts where a terminal is too narrow for it."""
    return run if width > _WIDE else re.sub(r"^(\d{8}-)(\d{6}-)", r"\1\n\2\n", run)


def _spare_numbers(table: Table, console: Console) -> None:
    """Let the table exceed the terminal where even folded names leave too little room for the numbers."""
    from rich.measure import Measurement  # noqa: PLC0415  (--json does without)

    name = table.columns[0]
    name.max_width = NARROWEST_NAME
    needed = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
    name.max_width = None
    if needed > console.width:
        table.width = needed


def _shown(value: float | None, form: Callable[[float], str]) -> str:
    return "–" if value is None else form(value)
