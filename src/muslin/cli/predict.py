"""`muslin predict`: classify pictures, through ONNX Runtime and without torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muslin.cli._options import json_option, output_options
from muslin.cli._output import Output
from muslin.cli._pictures import note_resized, photo_option, preparation

if TYPE_CHECKING:
    import numpy as np

    from muslin.pictures.picture import Picture

STDIN = "-"
STDIN_NAME = "standard input"


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--top", default=3, show_default=True, type=click.IntRange(min=1), help="How many classes to name.")
@photo_option
@click.option(
    "--invert",
    is_flag=True,
    help="Only scale to fit, and exchange black and white: for dark things on a bright ground. The recipe looks for "
    "itself.",
)
@json_option
@output_options
def command(
    run: str, images: tuple[str, ...], top: int, output: Output, *, photo: bool | None, invert: bool, as_json: bool
) -> None:
    """Classify pictures with the network of RUN, a run folder or 'latest'.

    IMAGE is a PNG, JPEG, BMP, WebP or GIF file, or - for standard input. A picture of the network's own size is taken
    as it is. Others go through the recipe by which Fashion-MNIST's images were made of photos, if the network learned
    from those; else, or with --no-photo, they are scaled to fit with their proportions kept, and centred on black.
    """
    # Here, and not above: `muslin predict --help` does without them.
    import numpy as np  # noqa: PLC0415

    from muslin.data.official import made_from_photos  # noqa: PLC0415
    from muslin.design import describe_shape  # noqa: PLC0415
    from muslin.exports.predictor import Predictor  # noqa: PLC0415
    from muslin.pictures.decode import MOST_BYTES  # noqa: PLC0415
    from muslin.pictures.prepare import prepare_picture  # noqa: PLC0415
    from muslin.runs.folder import RunFolder  # noqa: PLC0415

    if photo and invert:
        raise click.UsageError("--photo and --invert exclude each other: the recipe inverts by itself where it should.")
    if images.count(STDIN) > 1:
        raise click.UsageError("standard input (-) can be read only once.")
    predictor = Predictor.from_run(RunFolder.open(run))
    shape = predictor.design.input_shape
    output.detail(f"'{predictor.design.name}' takes images of {describe_shape(shape)}.")
    how = preparation(photo=False if invert else photo)

    def prepare(image: str) -> Picture:
        source = sys.stdin.buffer.read(MOST_BYTES + 1) if image == STDIN else Path(image)
        name = STDIN_NAME if image == STDIN else ""
        return prepare_picture(source, shape, made_from_photos(predictor.class_names), how, name=name, invert=invert)

    pictures = [prepare(image) for image in images]
    probabilities = predictor.probabilities(np.stack([picture.pixels for picture in pictures]))
    answers = [
        _answer(picture, row, predictor.class_names, top) for picture, row in zip(pictures, probabilities, strict=True)
    ]
    note_resized(pictures, shape, output)
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
        "photo": None if picture.steps is None else list(picture.steps),
    }


def _lines(answers: Sequence[dict[str, Any]]) -> list[str]:
    width = max(len(answer["image"]) for answer in answers)
    return [
        f"{answer['image']:{width}}  "
        + "  ".join(f"{entry['class']} {100 * entry['probability']:.1f} %" for entry in answer["top"])
        for answer in answers
    ]
