"""`muslin visualize`: a run's filters, and what the network makes of one image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from muslin.cli._options import data_options, output_options, photo_option, run_argument
from muslin.cli._output import Output


@click.command()
@run_argument
@click.option(
    "--image",
    metavar="N|FILE",
    default="0",
    show_default=True,
    help="Test image number N, counted from 0, or a PNG, JPEG, BMP, WebP, GIF or TIFF file.",
)
@click.option(
    "-o",
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to draw into.  [default: figures/ in the run folder, and a folder of its own in there for a FILE]",
)
@photo_option
@data_options
@output_options
def command(run: str, image: str, output: Output, **options: Any) -> None:
    """Draw the filters of RUN (a run folder, or 'latest') and what it makes of one image; print the files' names.

    Each figure is written as SVG and PNG: the filters of the first convolution; what they respond to; the image on its
    way through every layer; class activation maps of the three likeliest classes (exact where the design ends in global
    average pooling, Grad-CAM otherwise); occlusion maps; the patches of the test images that excite each filter most;
    and receptive fields, by gradient and by arithmetic. A FILE is prepared as by `muslin predict`.
    """
    number = image.removeprefix("-")
    if number.isdecimal() and options["photo"] is not None:
        raise click.UsageError("--photo and --no-photo are for picture files; a test image is used as it is.")
    from muslin.workflow.visualize import visualize  # noqa: PLC0415  (--help does without torch)

    chosen = int(image) if number.isdecimal() else image
    paths = visualize(run, image=chosen, **options, progress=output.observer)
    click.echo("\n".join(map(str, paths)))
