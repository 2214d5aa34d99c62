"""`muslin analyze`: what can be known of a design without training it."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from muslin.cli._complete import designs
from muslin.cli._options import json_option
from muslin.cli._output import Output

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, RenderableType
    from rich.table import Table

    from muslin.analysis import Analysis
    from muslin.design import Design

KB = 1000  # bytes
UNLIMITED = 10_000  # columns: to ask how wide a table would like to be


@click.command()
@click.argument("design", default="custom_cnn", shell_complete=designs)
@click.option(
    "--baseline",
    metavar="DESIGN",
    shell_complete=designs,
    help="Compare parameters with this design, or 'none'.  [default: the design's own baseline, else dense_baseline]",
)
@click.option(
    "--diagram",
    metavar="FILE.svg",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw the architecture to this file.",
)
@json_option
def command(design: str, diagram: Path | None, as_json: bool, **options: Any) -> None:
    """Shapes, parameters, MACs, memory and receptive fields of DESIGN, without training it.

    DESIGN is a name from the library (custom_cnn, dense_baseline) or a TOML file; custom_cnn by default.
    """
    if diagram is not None and diagram.suffix.lower() != ".svg":
        raise click.BadParameter(
            f"{diagram}: the diagram is written as SVG; end the name in .svg.", param_hint="--diagram"
        )
    from muslin.design import load_design  # noqa: PLC0415  (--help does without)
    from muslin.workflow.analyze import analyze  # noqa: PLC0415  (likewise)

    output, chosen = Output(), load_design(design)
    analysis = analyze(chosen, diagram=diagram, **options)
    if diagram is not None:
        output.note(f"Wrote {diagram}")
    if as_json:
        output.answer_json(analysis.to_dict())
    else:
        output.answer(*_page(chosen, analysis, output.answers))


class _Column(NamedTuple):
    """A column of the layer table: its head, one cell for each layer, the total below."""

    head: str
    cells: list[str]
    total: str = ""
    number: bool = True


def _page(design: Design, analysis: Analysis, console: Console) -> list[RenderableType]:
    """What is printed: a heading, the layers (in two tables where one is too wide), the totals."""
    from rich.measure import Measurement  # noqa: PLC0415  (--json does without)
    from rich.text import Text  # noqa: PLC0415  (likewise)

    from muslin.design import describe_shape  # noqa: PLC0415  (--help does without)

    heading = Text.assemble((analysis.design, "bold"), f"  {analysis.title}" if analysis.title else "")
    takes = Text(f"{describe_shape(analysis.input_shape)} images, {design.classes} classes")
    shared, computed, seen = _columns(analysis)
    whole = _table([shared, *computed, *seen])
    wanted = Measurement.get(console, console.options.update(width=UNLIMITED), whole).maximum
    tables = [whole] if wanted <= console.width else [_table([shared, *computed]), _table([shared, *seen])]
    return [heading, takes, *(part for table in tables for part in ("", table)), "", _totals(analysis)]


def _columns(analysis: Analysis) -> tuple[_Column, list[_Column], list[_Column]]:
    """The column of names, those of what is computed, and those of what is held and seen."""
    from muslin.design import describe_shape  # noqa: PLC0415  (--help does without)

    rows = analysis.layers
    fields = [row.receptive_field for row in rows]
    computed = [
        _Column("kind", [row.kind for row in rows], number=False),
        _Column("output", [describe_shape(row.output_shape) for row in rows]),
        _Column("parameters", [f"{row.parameters:,}" for row in rows], f"{analysis.parameters:,}"),
        _Column("share", [f"{row.share:.1%}" for row in rows], "100.0%"),
        _Column("MACs", [f"{row.macs:,}" for row in rows], f"{analysis.macs:,}"),
    ]
    seen = [
        _Column("output\nkB", [_kb(row.activation_bytes) for row in rows], _kb(analysis.activation_bytes)),
        _Column("receptive\nfield", [describe_shape(field.size) for field in fields]),
        _Column("stride", [describe_shape(field.stride) for field in fields]),
        _Column("visible", [describe_shape(field.visible) for field in fields]),
        _Column("of\nimage", [f"{field.coverage:.1%}" for field in fields]),
    ]
    return _Column("layer", [row.name for row in rows], "total", number=False), computed, seen


def _table(columns: list[_Column]) -> Table:
    from rich.box import SIMPLE  # noqa: PLC0415  (--json does without)
    from rich.table import Table  # noqa: PLC0415  (likewise)
    from rich.text import Text  # noqa: PLC0415  (likewise)

    table = Table(box=SIMPLE, show_footer=True, show_edge=False, padding=(0, 1, 0, 0), footer_style="bold")
    for column in columns:
        side: JustifyMethod = "right" if column.number else "left"
        table.add_column(column.head, column.total, justify=side, vertical="bottom", overflow="fold")
    for cells in zip(*(column.cells for column in columns), strict=True):
        # Nothing learned, nothing multiplied: there, but not in the way.
        table.add_row(*(Text(cell, style="dim" if cell in ("0", "0.0%") else "") for cell in cells))
    return table


def _totals(analysis: Analysis) -> Table:
    from rich.table import Table  # noqa: PLC0415  (--json does without)

    rows = analysis.layers
    widest = max(rows, key=lambda row: prod(row.input_shape) + prod(row.output_shape))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_row("Parameters", f"{analysis.parameters:,}, of which {analysis.trainable:,} trainable")
    table.add_row("Weights", f"{_kb(analysis.float32_bytes)} kB in float32, {_kb(analysis.int8_bytes)} kB in int8")
    table.add_row("Work", f"{analysis.macs:,} multiply-accumulates (MACs) per image")
    table.add_row(
        "Memory",
        f"{_kb(analysis.peak_activation_bytes)} kB at most at one time: {widest.name}, in and out, in float32",
    )
    against = analysis.comparison
    if against is not None:
        fewer = f"{abs(against.saved):.1f}% {'fewer' if against.saved >= 0 else 'more'} parameters"
        table.add_row("Baseline", f"{fewer} than {against.baseline}'s {against.parameters:,}")
    return table


def _kb(count: int) -> str:
    return f"{count / KB:,.1f}"
