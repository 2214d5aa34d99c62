"""`muslin list`: the designs, recipes, runs and studies that there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from muslin._words import number
from muslin.cli._options import json_option
from muslin.cli._output import Output

if TYPE_CHECKING:
    from rich.console import JustifyMethod

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--runs", type=FOLDER, default=Path("runs"), show_default=True, help="Folder of runs.")
@click.option("--studies", type=FOLDER, default=Path("studies"), show_default=True, help="Folder of studies.")
@json_option
def command(runs: Path, studies: Path, as_json: bool) -> None:
    """List the library's designs and recipes, and the runs and studies on this machine, the newest last."""
    from muslin.workflow.list import describe_run  # noqa: PLC0415  (--help does without)
    from muslin.workflow.list import list as listed  # noqa: PLC0415  (likewise)

    output, found = Output(), listed(runs=runs, studies=studies)
    if as_json:
        output.answer_json(found.to_dict())
        return
    from rich import box  # noqa: PLC0415  (--json does without)
    from rich.table import Table  # noqa: PLC0415  (likewise)

    def answer(title: str, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
        for head in heads:
            aligned: JustifyMethod = "right" if head in ("parameters", "MACs", "epochs") else "left"
            table.add_column(head, justify=aligned, overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        output.answer(table)

    from rich.text import Text  # noqa: PLC0415  (--json does without)

    answer(
        "Designs",
        ("design", "parameters", "MACs", "what it is"),
        [(each.name, number(each.parameters), number(each.macs), each.title) for each in found.designs],
    )
    answer("Recipes", ("recipe", "epochs"), [(each.name, number(each.epochs)) for each in found.recipes])
    if found.runs:
        answer("Runs", ("run", "state"), [(each.path, describe_run(each)) for each in found.runs])
    if found.studies:
        answer("Studies", ("study",), [(each.path,) for each in found.studies])
    if not found.runs:
        output.note(f"No runs yet in ./{runs}. Start with `muslin run --sample`.")
