"""`muslin predict`: classify pictures, through ONNX Runtime and without torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muslin._words import percent
from muslin.cli._complete import runs
from muslin.cli._options import json_option, output_options, photo_option
from muslin.cli._output import Output

if TYPE_CHECKING:
    from muslin.workflow.predict import Prediction

STDIN = "-"


@click.command()
@click.argument("run", metavar="RUN", shell_complete=runs)
@click.argument("images", metavar="IMAGE...", nargs=-1, type=click.Path(allow_dash=True))
@click.option("--top", default=3, show_default=True, type=click.IntRange(min=1), help="Number of classes to name.")
@photo_option
@click.option(
    "--invert",
    is_flag=True,
    help="Invert colors, for dark objects on a light background. The photo preparation detects this automatically.",
)
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file to write, with the name of each picture, or the id of each row, and its class; its path is printed.",
)
@json_option
@output_options
def command(run: str, images: tuple[str, ...], out: Path | None, as_json: bool, output: Output, **options: Any) -> None:
    """Classify pictures, or the rows of a CSV file, with the network of RUN, a run folder or 'latest'.

    IMAGE is a PNG, JPEG, BMP, WebP, GIF or TIFF file, a folder of them, or - for standard input. A picture of the
    network's own input size is used as it is. Others go through the photo preparation if the network was trained on
    Fashion-MNIST; otherwise, or with --no-photo, they are resized as its training images were.

    IMAGE may also be a CSV file without labels, such as the test file of a competition. Its rows are read as those of
    the training file were, and `muslin predict latest test.csv -o submission.csv` writes a line for each.
    """
    if not images:
        raise click.UsageError("Missing argument 'IMAGE...'. The run comes first: muslin predict latest IMAGE.")
    if options["photo"] and options["invert"]:
        raise click.UsageError("--photo and --invert exclude each other: the photo preparation inverts if needed.")
    if images.count(STDIN) > 1:
        raise click.UsageError("standard input (-) can be read only once.")
    from muslin.workflow.predict import predict  # noqa: PLC0415  (--help does without Pillow)

    sources = [sys.stdin.buffer if image == STDIN else image for image in images]
    answers = predict(run, *sources, **options, out=out, progress=output.observer)
    if as_json:
        output.answer_json([answer.to_dict() for answer in answers])
    elif out is not None:
        click.echo(out)
    else:
        click.echo("\n".join(_lines(answers)))


def _lines(answers: Sequence[Prediction]) -> list[str]:
    width = max(len(answer.picture.name) for answer in answers)
    return [
        f"{answer.picture.name:{width}}  "
        + "  ".join(f"{each.name} {percent(each.probability, 1)}" for each in answer.top)
        for answer in answers
    ]
