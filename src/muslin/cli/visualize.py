"""`muslin visualize`: a run's filters, and what it makes of one image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muslin.cli._options import DataChoice, data_options, output_options
from muslin.cli._output import Output
from muslin.cli._pictures import note_resized, photo_option, preparation
from muslin.errors import DataError, MuslinError

if TYPE_CHECKING:
    import numpy as np

    from muslin.runs.folder import RunFolder


@click.command()
@click.argument("run", default="latest")
@click.option(
    "--image",
    metavar="N|FILE",
    default="0",
    show_default=True,
    help="Test image number N, counted from 0, or a PNG, JPEG, BMP, WebP or GIF file.",
)
@click.option(
    "-o",
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to draw into; figures/ in the run folder by default, and a folder of its own in there for a FILE.",
)
@photo_option
@data_options
@output_options
def command(run: str, image: str, out: Path | None, data: DataChoice, output: Output, *, photo: bool | None) -> None:
    """Draw the filters of RUN (a run folder, or 'latest') and what it makes of one image; print the files' names.

    Each figure as SVG and PNG: the first convolution's filters; what they respond to; the image on its way through
    every layer; where in the image the evidence for the three likeliest classes lies (class activation maps, exact
    where the design ends in global average pooling, Grad-CAM otherwise); what covering each part of it costs them
    (occlusion); the patches of the test images that excite each filter most; and receptive fields, measured by
    gradient and computed. A FILE is prepared as by `muslin predict`; --photo and --no-photo are for it alone.
    """
    # Here, and not above: `muslin visualize --help` does without torch.
    from muslin.exports.predictor import Predictor  # noqa: PLC0415
    from muslin.workflow.illustrate import (  # noqa: PLC0415
        illustrate_cams,
        illustrate_fields,
        illustrate_network,
        illustrate_patches,
    )
    from muslin.workflow.trained_run import Run  # noqa: PLC0415

    opened = Run.open(run)
    folder, names = opened.folder, opened.record.data.class_names
    if image.removeprefix("-").isdecimal() and image.startswith("-"):
        raise DataError(f"there is no test image {image}: they are counted from 0.")
    tests: np.ndarray | None
    if image.isdecimal():
        if photo is not None:
            raise click.UsageError("--photo and --no-photo are for picture files; a test image is taken as it is.")
        images = _test_images(folder, data, output)
        pixels, tests = _one_of(images, int(image)), images
        place = out or folder.figures_path
    else:
        pixels = _from_file(Path(image), folder, names, output, photo=photo)
        tests = _test_images_at_hand(folder, data, output)
        place = out or folder.figures_path / Path(image).stem
    paths = illustrate_network(place, opened.network, pixels, names)
    paths += illustrate_cams(place, opened.network, pixels, names)
    if tests is not None:
        inside = Predictor.from_weights(folder.design, opened.weights, names, layers=True)
        paths += illustrate_patches(place, inside, tests)
    paths += illustrate_fields(place, folder.design)
    click.echo("\n".join(map(str, paths)))


def _test_images(folder: RunFolder, choice: DataChoice, output: Output, *, download: bool = True) -> np.ndarray:
    images = choice.of_run(folder, output, download=download).test.images
    if images.shape[1:] != folder.design.input_shape:
        raise DataError(
            f"the run {folder.name} takes images of {folder.design.input_shape}, but the test images are "
            f"{images.shape[1:]}. Give the run's own data with --data or --sample."
        )
    return images


def _test_images_at_hand(folder: RunFolder, choice: DataChoice, output: Output) -> np.ndarray | None:
    """The test images if they are here; a picture file can be drawn without."""
    try:
        return _test_images(folder, choice, output, download=False)
    except MuslinError as error:
        output.note(f"What excites each filter most is not drawn, for want of test images: {error}")
        return None


def _one_of(images: np.ndarray, number: int) -> np.ndarray:
    if number >= len(images):
        raise DataError(
            f"there is no test image {number}: the test split has {len(images):,}, numbered 0–{len(images) - 1}. "
            "Choose one of them with --image, or give a picture file."
        )
    pixels: np.ndarray = images[number]
    return pixels


def _from_file(
    path: Path, folder: RunFolder, class_names: Sequence[str], output: Output, *, photo: bool | None
) -> np.ndarray:
    from muslin.data.official import made_from_photos  # noqa: PLC0415  (NumPy: only for files)
    from muslin.pictures.prepare import prepare_picture  # noqa: PLC0415  (Pillow: only for files)

    shape = folder.design.input_shape
    picture = prepare_picture(path, shape, made_from_photos(class_names), preparation(photo=photo))
    note_resized([picture], shape, output)
    return picture.pixels.copy()  # Pillow's own memory is read-only, which torch warns of
