"""`muslin export`: a run's network as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from muslin.cli._complete import runs
from muslin.cli._options import output_options
from muslin.cli._output import Output
from muslin.exports import FORMATS


@click.command(epilog="Formats: " + "; ".join(f"{form.name}: {form.opens_in}" for form in FORMATS.values()) + ".")
@click.argument("run", metavar="RUN", shell_complete=runs)
@click.option("--to", required=True, type=click.Choice(list(FORMATS)), help="Format of the file.")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: into the run folder]",
)
@click.option(
    "--calibrated",
    is_flag=True,
    help="Calibrate probabilities by the temperature that `muslin evaluate` fitted on the validation images.",
)
@output_options
def command(run: str, output: Output, **options: Any) -> None:
    """Write the network of RUN, a run folder or 'latest', as a file for other programs, and print its path.

    The file is reloaded and compared with the network before it replaces an existing one: its answers on images or, for
    safetensors, its weights.
    """
    from muslin.workflow.export import export  # noqa: PLC0415  (--help does without torch)

    click.echo(export(run, **options, progress=output.observer))
