"""`muslin profile`: where a training step's time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from muslin._words import count
from muslin.cli._complete import designs, recipes
from muslin.cli._options import device_options, json_option, output_options
from muslin.cli._output import Output

if TYPE_CHECKING:
    from rich.table import Table

    from muslin.training.profile import Profile


@click.command()
@click.argument("design", default="custom_cnn", shell_complete=designs)
@click.option(
    "--recipe",
    default="fast",
    show_default=True,
    help="best, fast, notebook, or a TOML file.",
    shell_complete=recipes,
)
@click.option(
    "--steps", type=click.IntRange(min=3, max=10_000), default=30, show_default=True, help="Number of steps to measure."
)
@device_options
@json_option
@output_options
def command(as_json: bool, output: Output, **options: Any) -> None:
    """Time the parts of a training step of DESIGN (a name from the library or a TOML file; custom_cnn by default).

    The floor is what a part's multiplications alone would take at the peak of this machine's matrix products.
    Nothing is learned: the images are noise.
    """
    from muslin.workflow.profile import profile  # noqa: PLC0415  (--help does without torch)

    found = profile(**options)
    from muslin.engine import build  # noqa: PLC0415  (torch: loaded by now)
    from muslin.engine.machine import processor  # noqa: PLC0415  (likewise)

    output.detail(build.describe(found.precision))
    if as_json:
        output.answer_json(found.to_dict())
        return
    output.answer(
        f"{found.design}, recipe {found.recipe}, {found.batch_size} images per step, {found.precision}, "
        f"{count(found.threads, 'thread')} of {processor()}",
        "",
        _table(found),
        "",
        f"{found.images_per_second:,.0f} images/s, {found.floor / found.step:.0%} of the peak of "
        f"{found.peak / 1e9:,.0f} GFLOP/s. * in one pass, by a fused block",
    )


def _table(found: Profile) -> Table:
    from rich.box import SIMPLE  # noqa: PLC0415  (--json does without)
    from rich.table import Table  # noqa: PLC0415  (likewise)

    table = Table(box=SIMPLE, show_edge=False, padding=(0, 1, 0, 0), show_footer=True, footer_style="bold")
    parts = sum(row.forward + row.backward for row in found.operations)
    table.add_column("milliseconds", "a whole step")
    table.add_column("forward", justify="right")
    table.add_column("backward", justify="right")
    table.add_column("together", f"{found.step:.2f}", justify="right")
    table.add_column("share", justify="right")
    table.add_column("floor", f"{found.floor:.2f}", justify="right")
    for row in found.operations:
        table.add_row(
            row.name + (" *" if row.fused else ""),
            f"{row.forward:.2f}",
            f"{row.backward:.2f}" if row.backward else "",
            f"{row.forward + row.backward:.2f}",
            f"{(row.forward + row.backward) / parts:.0%}",
            f"{row.floor:.2f}" if row.floor else "",
        )
    return table
