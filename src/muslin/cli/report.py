"""`muslin report`: build a run's report again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from muslin.cli._complete import studies
from muslin.cli._options import run_argument


@click.command()
@run_argument
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="HTML file to write.  [default: report.html in the run folder]",
)
@click.option(
    "--study",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    shell_complete=studies,
    help="Show what this study of `muslin ablate` found out about the design's decisions.",
)
@click.option("--open", "open_page", is_flag=True, help="Open the report in the browser.")
def command(run: str, **options: Any) -> None:
    """Build the report of RUN (a run folder, or 'latest') from what the folder holds, and print its path.

    Neither the data nor the network is needed. The report is one file that opens in any browser, without a network.

    A run folder keeps what a study found out about its design: the newest study of the same layers under studies/, or
    the one that ships with Muslin, taken when the first report was built. --study replaces it.
    """
    from muslin.workflow.report import report  # noqa: PLC0415  (--help does without)

    click.echo(report(run, **options))
