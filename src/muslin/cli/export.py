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

    The file is read back and held against the network: its answers on images or, for safetensors, its weights. Its path
    is printed.
    """
    # Here, and not above: `muslin export --help` does without torch.
    from muslin.export.verify import verify  # noqa: PLC0415
    from muslin.run import Run  # noqa: PLC0415

    source = Run.open(run)
    path = source.export(to, out)
    images, described = _images(source.design)
    difference = verify(path, to, source.network, images)
    if to == "safetensors":
        output.note("Checked: it holds the network's weights exactly.")
    else:
        output.note(f"Checked on {described}: the largest difference from the network is {difference:.1g}.")
        output.note(f"Takes {describe_input(source.design)}.")
    output.detail(f"{path.stat().st_size:,} bytes. Opens in {FORMATS[to].opens_in}.")
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
