"""`muslin visualize`: a run's filters, and what it makes of one image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from muslin.cli._options import DataChoice, data_options, output_options
from muslin.cli._output import Output
from muslin.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from muslin.folder import RunFolder
    from muslin.network import Network

EXPLAINED = 3  # classes whose evidence is drawn, the likeliest first


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
@data_options
@output_options
def command(run: str, image: str, out: Path | None, data: DataChoice, output: Output) -> None:
    """Draw the filters of RUN (a run folder, or 'latest') and what it makes of one image; print the files' names.

    Four figures, each as SVG and PNG: the first convolution's filters; what they respond to; the image on its way
    through every layer; and where in the image the evidence for the three likeliest classes lies. A FILE is made grey
    or colour as the network needs, scaled to fit with its proportions kept, and centred on black.
    """
    # Here, and not above: `muslin visualize --help` does without torch.
    from muslin.illustrate import illustrate_network  # noqa: PLC0415
    from muslin.run import Run  # noqa: PLC0415

    opened = Run.open(run)
    folder, names = opened.folder, opened.record.data.class_names
    if image.removeprefix("-").isdecimal() and image.startswith("-"):
        raise DataError(f"there is no test image {image}: they are counted from 0.")
    if image.isdecimal():
        pixels = _test_image(int(image), folder, data, output)
        place = out or folder.figures_path
    else:
        pixels = _from_file(Path(image), folder, output)
        place = out or folder.figures_path / Path(image).stem
    paths = illustrate_network(place, opened.network, pixels, names)
    paths += _evidence(place, opened.network, pixels, names)
    click.echo("\n".join(map(str, paths)))


def _test_image(number: int, folder: RunFolder, choice: DataChoice, output: Output) -> np.ndarray:
    split = choice.of_run(folder, output).test
    if number >= len(split):
        raise DataError(
            f"there is no test image {number}: the test split has {len(split):,}, numbered 0–{len(split) - 1}. "
            "Choose one of them with --image, or give a picture file."
        )
    if split.images.shape[1:] != folder.design.input_shape:
        raise DataError(
            f"the run {folder.name} takes images of {folder.design.input_shape}, but the test images are "
            f"{split.images.shape[1:]}. Give the run's own data with --data or --sample."
        )
    pixels: np.ndarray = split.images[number]
    return pixels


def _from_file(path: Path, folder: RunFolder, output: Output) -> np.ndarray:
    from muslin.export.picture import read_picture  # noqa: PLC0415  (Pillow: only for files)

    shape = folder.design.input_shape
    picture = read_picture(path, shape)
    if picture.resized:
        (wide, high), (height, width, _) = picture.size, shape
        output.note(f"{picture.name} is {wide}×{high} pixels; it was fitted into {width}×{height}.")
    return picture.pixels.copy()  # Pillow's own memory is read-only, which torch warns of


def _evidence(folder: Path, network: Network, image: np.ndarray, names: tuple[str, ...]) -> tuple[Path, ...]:
    import numpy as np  # noqa: PLC0415  (--help does without)

    from muslin import figures  # noqa: PLC0415  (likewise)
    from muslin.interpret import class_activation_maps  # noqa: PLC0415
    from muslin.network import predict  # noqa: PLC0415

    likeliest = np.argsort(-predict(network, image[None])[0], kind="stable")[:EXPLAINED]
    images = np.repeat(image[None], len(likeliest), axis=0)
    maps = class_activation_maps(network, images, likeliest)
    return figures.save(figures.class_activation_maps(images, maps, None, names), folder / "evidence")
