"""`muslin predict`: classify pictures, through ONNX Runtime and without torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muslin.cli._options import json_option, output_options
from muslin.cli._output import Output

if TYPE_CHECKING:
    import numpy as np

    from muslin.export.picture import Picture

STDIN = "-"
STDIN_NAME = "standard input"


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--top", default=3, show_default=True, type=click.IntRange(min=1), help="How many classes to name.")
@click.option(
    "--invert",
    is_flag=True,
    help="Exchange black and white first: for dark things on a bright ground. Fashion-MNIST's are bright on black.",
)
@json_option
@output_options
def command(run: str, images: tuple[str, ...], top: int, output: Output, *, invert: bool, as_json: bool) -> None:
    """Classify pictures with the network of RUN, a run folder or 'latest'.

    IMAGE is a PNG, JPEG, BMP, WebP or GIF file, or - for standard input. It is made grey or colour as the network
    needs, scaled to fit with its proportions kept, and centred on black; nothing else is guessed.
    """
    # Here, and not above: `muslin predict --help` does without them.
    import numpy as np  # noqa: PLC0415

    from muslin.design import describe_shape  # noqa: PLC0415
    from muslin.export.picture import MOST_BYTES, read_picture  # noqa: PLC0415
    from muslin.export.predictor import Predictor  # noqa: PLC0415
    from muslin.folder import RunFolder  # noqa: PLC0415

    if images.count(STDIN) > 1:
        raise click.UsageError("standard input (-) can be read only once.")
    predictor = Predictor.from_run(RunFolder.open(run))
    shape = predictor.design.input_shape
    output.detail(f"'{predictor.design.name}' takes images of {describe_shape(shape)}.")
    pictures = [
        read_picture(sys.stdin.buffer.read(MOST_BYTES + 1), shape, name=STDIN_NAME, invert=invert)
        if image == STDIN
        else read_picture(Path(image), shape, invert=invert)
        for image in images
    ]
    probabilities = predictor.probabilities(np.stack([picture.pixels for picture in pictures]))
    answers = [
        _answer(picture, row, predictor.class_names, top) for picture, row in zip(pictures, probabilities, strict=True)
    ]
    _note_resized(pictures, shape, output)
    if as_json:
        output.answer_json(answers)
    else:
        click.echo("\n".join(_lines(answers)))


def _answer(picture: Picture, probabilities: np.ndarray, class_names: Sequence[str], top: int) -> dict[str, Any]:
    best = (-probabilities).argsort(kind="stable")[:top]
    return {
        "image": picture.name,
        "class": class_names[best[0]],
        "probability": float(probabilities[best[0]]),
        "top": [
            {"number": int(number), "class": class_names[number], "probability": float(probabilities[number])}
            for number in best
        ],
        "size": list(picture.size),
        "resized": picture.resized,
    }


def _lines(answers: Sequence[dict[str, Any]]) -> list[str]:
    width = max(len(answer["image"]) for answer in answers)
    return [
        f"{answer['image']:{width}}  "
        + "  ".join(f"{entry['class']} {100 * entry['probability']:.1f} %" for entry in answer["top"])
        for answer in answers
    ]


def _note_resized(pictures: Sequence[Picture], shape: tuple[int, int, int], output: Output) -> None:
    resized = [picture for picture in pictures if picture.resized]
    if not resized:
        return
    height, width, _ = shape
    which = (
        f"{resized[0].name} was {resized[0].size[0]}×{resized[0].size[1]} pixels and was"
        if len(resized) == 1
        else f"{len(resized)} pictures were of another size and were"
    )
    output.note(f"{which} fitted into {width}×{height}.")
