"""`muslin report`: build a run's report again."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", default="latest")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The HTML file to write; report.html in the run folder by default.",
)
def command(run: str, out: Path | None) -> None:
    """Build the report of RUN (a run folder, or 'latest') from what the folder holds, and print where it is.

    Neither the data nor the network is needed: the report is one file that opens in any browser, without a connection.
    """
    from muslin.folder import RunFolder  # noqa: PLC0415  (--help does without)
    from muslin.report import build_report  # noqa: PLC0415

    click.echo(build_report(RunFolder.open(run), out))
