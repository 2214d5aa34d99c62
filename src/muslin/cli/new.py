"""`muslin new`: a design to start from, fitted to the images."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from muslin.cli._complete import designs
from muslin.cli._options import reading_options

_TRAIN = "train it, evaluate it, read the report"
_COLUMNS = 80  # of a terminal; longer commands have their explanation on a line of its own


@click.command()
@click.argument("file", metavar="NAME.toml", type=click.Path(path_type=Path))
@click.option(
    "--data",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Fit the design to these images: a folder or file that `muslin data --data PATH` reads.",
)
@click.option("--sample", is_flag=True, help="Fit it to the sample that ships with Muslin.")
@click.option("--classes", metavar="FILE|a,b,c", help="Names of the classes, as for `muslin data`.")
@click.option(
    "--like", metavar="DESIGN", shell_complete=designs, help="Start from the layers and reasons of this design."
)
@reading_options
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
def command(
    file: Path, data: Path | None, sample: bool, classes: str | None, like: str | None, force: bool, **reading: Any
) -> None:
    """Start a design of your own in NAME.toml, with comments that explain every field.

    It is valid as it stands, and fits the shape and the classes of the images: 28×28 gray pixels and 10 classes, or
    those of --data. Its reasons are yours to give.
    """
    if sample and data is not None:
        raise click.UsageError("--sample and --data exclude each other; give one of them.")
    from muslin.design import describe_shape, load_design  # noqa: PLC0415  (--help does without)
    from muslin.design.template import OPEN  # noqa: PLC0415  (likewise)
    from muslin.workflow.new import as_arguments, new, typed  # noqa: PLC0415  (likewise)

    path = new(file, data, sample=sample, classes=classes, like=like, force=force, **reading)
    design = load_design(path)
    images = f" --data {shlex.quote(str(data))}{as_arguments(classes=classes, **reading)}" if data else ""
    images = " --sample" if sample else images
    look, train = f"muslin analyze {typed(path)}", f"muslin run {typed(path)}{images}"
    shape = describe_shape(design.input_shape)
    click.echo(f"Wrote {path}: {shape} images, {design.classes} classes, {len(design.layers)} layers.")
    for command_line, what in ((look, "what it costs and what it sees"), (train, _TRAIN)):
        width = max(len(look), len(train))
        beside = width + len(_TRAIN) + 5 <= _COLUMNS
        click.echo(f"  {command_line:<{width}}   {what}" if beside else f"  {command_line}\n      {what}")
    if like is None:
        click.echo(f'It runs as it stands. Replace the reasons that begin with "{OPEN}" by your own.')
    else:
        click.echo(f"Its reasons are those of {like}: keep the ones that are yours too.")
