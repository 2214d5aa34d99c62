"""`muslin export`: one artifact of a run, checked against the network it came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from muslin.cli._options import output_options
from muslin.cli._output import Output
from muslin.export import FORMATS, FormatName, describe_input

if TYPE_CHECKING:
    import numpy as np

    from muslin.design import Design

NOISE_IMAGES = 100


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

    The file is read back and its answers are compared with the network's. Its path is printed.
    """
    # Here, and not above: `muslin export --help` does without torch.
    from muslin.export import export  # noqa: PLC0415
    from muslin.export.restore import restore  # noqa: PLC0415
    from muslin.export.safetensors import load_weights  # noqa: PLC0415
    from muslin.export.verify import verify  # noqa: PLC0415
    from muslin.folder import RunFolder  # noqa: PLC0415

    folder = RunFolder.open(run)
    weights = load_weights(folder.weights_path, folder.design)
    path = out or folder.export_path(to)
    export(folder.design, weights, path, to, class_names=folder.record.data.class_names)
    images, described = _images(folder.design)
    difference = verify(path, to, restore(folder.design, weights), images)
    output.note(f"Checked on {described}: the largest difference from the network is {difference:.1g}.")
    if to != "safetensors":
        output.note(f"Takes {describe_input(folder.design)}.")
    click.echo(path)


def _images(design: Design) -> tuple[np.ndarray, str]:
    """Images to compare on: real ones where the sample fits the design, else noise."""
    import numpy as np  # noqa: PLC0415

    from muslin.data import load_data  # noqa: PLC0415

    sample = load_data(sample=True).test.images
    if sample.shape[1:] == design.input_shape:
        return sample, f"{len(sample)} test images of the sample"
    noise = np.random.default_rng(0).integers(0, 256, (NOISE_IMAGES, *design.input_shape), np.uint8)
    return noise, f"{NOISE_IMAGES} images of noise (the sample's have another shape)"
