"""`muslin new`: a design to start from, fitted to the images."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from muslin.errors import DesignError

FASHION_MNIST = (28, 28, 1), 10  # what a design fits where no data are named: input shape, classes
LONGEST_NAME = 64
LONGEST_PATH = 4096  # a command with a shortened one would not work


@click.command()
@click.argument("file", metavar="NAME.toml", type=click.Path(path_type=Path))
@click.option(
    "--data",
    "data",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Fit the design to these images: a folder or file that `muslin data --data PATH` reads.",
)
@click.option("--sample", is_flag=True, help="Fit it to the sample that ships with Muslin.")
@click.option("--like", metavar="DESIGN", help="Start from the layers and reasons of this design.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
def command(file: Path, data: Path | None, sample: bool, like: str | None, force: bool) -> None:
    """Start a design of your own in NAME.toml, with comments that explain every field.

    It is valid as it stands, and fits the shape and the classes of the images: 28×28 pixels in grey and 10 classes, or
    those of --data. Its reasons are left for you to give.
    """
    from muslin._disk.files import write_text  # noqa: PLC0415  (--help does without)
    from muslin.design import describe_shape, load_design, parse_design  # noqa: PLC0415  (likewise)
    from muslin.design.explain import plain  # noqa: PLC0415  (likewise)
    from muslin.design.template import OPEN, format_commented, start_design  # noqa: PLC0415  (likewise)

    if sample and data is not None:
        raise click.UsageError("--sample and --data exclude each other; give one of them.")
    path = _place(file)
    if path.exists() and not force:
        raise DesignError(f"{path} exists already. Choose another name, or pass --force to replace it.")
    shape, classes = _fitting(data, sample)
    name = _name(path)
    if like is None:
        design = start_design(name, shape, classes)
    else:
        model = load_design(like).fitted_to(shape, classes)
        # What a design claims of itself was meant for other images.
        design = model.model_copy(
            update={"name": name, "title": f"{model.title} (from {model.name})".strip(), "claims": ()}
        )
    images = f" --data {shlex.quote(str(data))}" if data else " --sample" if sample else ""
    text = format_commented(design, plain(_typed(Path(path.name)), LONGEST_PATH), plain(images, LONGEST_PATH))
    parse_design(text, str(path))
    write_text(path, text)
    quoted = _typed(path)
    look, train = f"muslin analyze {quoted}", f"muslin run {quoted}{images}"
    click.echo(f"Wrote {path}: {describe_shape(shape)} images, {classes} classes, {len(design.layers)} layers.")
    click.echo(f"  {look:<{len(train)}}   what it costs and what it sees")
    click.echo(f"  {train:<{len(look)}}   train it, measure it, read the report")
    if like is None:
        click.echo(f'It runs as it stands. What it lacks is your reasons: replace those that begin with "{OPEN}"')
    else:
        click.echo(f"Its reasons are those of {like}: keep the ones that are yours too.")


def _fitting(data: Path | None, sample: bool) -> tuple[tuple[int, int, int], int]:
    """The input shape and the number of classes of the images that were named."""
    if data is None and not sample:
        return FASHION_MNIST
    from muslin.data import load_data  # noqa: PLC0415  (only where there are images to look at)

    # A leak is for the training to refuse; it doesn't change what fits.
    dataset = load_data(data, sample=sample, allow_leak=True, download=False)
    return dataset.input_shape, dataset.classes


def _place(file: Path) -> Path:
    """The file to write, with its ending.

    Raises:
        DesignError: it is a folder, or nothing but an ending.
    """
    if file.is_dir():
        raise DesignError(f"{file} is a folder. Give the name of a file to write the design to.")
    if file.name.lower() in (".toml", ".."):
        raise DesignError(f"{file} leaves the design without a name. Put one before the ending, as in mine.toml.")
    path = file if file.suffix.lower() == ".toml" else file.with_name(f"{file.name}.toml")
    if path.is_dir():
        raise DesignError(f"{path} is a folder. Give the name of a file to write the design to.")
    return path


def _typed(path: Path) -> str:
    """The path as one types it, also where it would be taken for an option."""
    return shlex.quote(f"./{path}" if str(path).startswith("-") else str(path))


def _name(path: Path) -> str:
    """A design's name from a file's: what isn't allowed in one becomes an underscore."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", path.stem).lstrip("._-")[:LONGEST_NAME] or "design"
