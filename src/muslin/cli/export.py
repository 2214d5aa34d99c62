"""`muslin export`: one artifact of a run, checked against the network it came from."""

from __future__ import annotations

from pathlib import Path

import click

from muslin.cli._options import output_options
from muslin.cli._output import Output
from muslin.exports import FORMATS, FormatName, describe_input


@click.command(epilog="Formats: " + "; ".join(f"{form.name}: {form.opens_in}" for form in FORMATS.values()) + ".")
@click.argument("run", metavar="RUN")
@click.option("--to", required=True, type=click.Choice(list(FORMATS)), help="The format.")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it. By default into the run's folder.",
)
@output_options
def command(run: str, to: FormatName, out: Path | None, output: Output) -> None:
    """Write the network of RUN, a run folder or 'latest', as a file for other programs.

    The file is read back and held against the network before it gets its name: its answers on images or, for
    safetensors, its weights. Its path is printed.
    """
    from muslin.workflow.trained_run import Run  # noqa: PLC0415  (--help does without torch)

    source = Run.open(run)
    path = source.export(to, out, say=output.note)
    if to != "safetensors":
        output.note(f"Takes {describe_input(source.design)}.")
    output.detail(f"{path.stat().st_size:,} bytes. Opens in {FORMATS[to].opens_in}.")
    click.echo(path)
