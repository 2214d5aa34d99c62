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
@click.option(
    "--study",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Show what this study of `muslin ablate` found out about the design's decisions.",
)
def command(run: str, out: Path | None, study: Path | None) -> None:
    """Build the report of RUN (a run folder, or 'latest') from what the folder holds, and print where it is.

    Neither the data nor the network is needed: the report is one file that opens in any browser, without a connection.

    What a study found out about the design's decisions is part of the run folder: `muslin run` takes the newest study
    of the same layers under studies/, or the one that ships with Muslin. --study puts another one in its place.
    """
    from muslin.reports import build_report, report_path  # noqa: PLC0415
    from muslin.runs.folder import RunFolder  # noqa: PLC0415  (--help does without)

    folder = RunFolder.open(run)
    place = report_path(folder, out)
    if study is not None:
        from muslin.ablation.justification import copy_evidence  # noqa: PLC0415

        copy_evidence(study, folder.evidence_path)
    click.echo(build_report(folder, place))
