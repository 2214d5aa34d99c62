"""Options that several verbs share, each declared once.

Every option has the name of the parameter that it is in Python, so that a verb passes its options on as they are:

    @click.command()
    @data_options
    @output_options
    def command(output: Output, **options: Any) -> None:
        evaluate(**options, progress=output.observer)
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from muslin.cli._complete import designs, recipes, runs
from muslin.cli._output import Output

Verb = Callable[..., Any]


def options_of(*decorators: Callable[[Verb], Verb]) -> Callable[[Verb], Verb]:
    """Return one decorator that adds several options, in the order given."""

    def decorate(verb: Verb) -> Verb:
        return functools.reduce(lambda decorated, add: add(decorated), reversed(decorators), verb)

    return decorate


def design_argument(verb: Verb) -> Verb:
    """Add DESIGN; without it the library's custom_cnn, or the design of what is resumed."""
    return click.argument("design", required=False, shell_complete=designs)(verb)


def run_argument(verb: Verb) -> Verb:
    """Add RUN, by default the newest one."""
    return click.argument("run", default="latest", shell_complete=runs)(verb)


reading_options = options_of(
    click.option("--size", metavar="HxW", help="Height and width that pictures are brought to, as in 48x48."),
    click.option("--color", type=click.Choice(["gray", "rgb"]), help="Channels that pictures are brought to."),
    click.option(
        "--fit",
        type=click.Choice(["fit", "crop", "stretch"]),
        help="How a picture of other proportions is brought to the size.  [default: fit]",
    ),
    click.option(
        "--ground",
        metavar="black|white|0-255",
        help="Gray value behind transparent pixels and beside fitted pictures.  [default: as the pictures need]",
    ),
    click.option("--label", metavar="COLUMN", help="Column with the labels, in CSV and Parquet files."),
    click.option(
        "--group",
        metavar="PATTERN",
        help="Keep images together whose names match PATTERN with the same text, as in 'patient(\\d+)'.",
    ),
    click.option(
        "--nested",
        type=click.Choice(["top", "leaf"]),
        help="Whether the outer or the inner folder names the class, where folders lie in folders.",
    ),
    click.option("--transpose", is_flag=True, help="Exchange rows and columns, as EMNIST's files need."),
    click.option(
        "--pixel-range",
        metavar="LOW-HIGH",
        help="Range of the pixels in the files, as in 0-16.  [default: found on the training images]",
    ),
    click.option(
        "--test-fraction",
        type=float,
        metavar="SHARE",
        help="Share of the images that becomes the test split, where the files have none, as in 0.15.",
    ),
    click.option(
        "--validation-fraction",
        type=float,
        metavar="SHARE",
        help="Share of the training files held out for validation, where the files have none.  [default: 0.1]",
    ),
    click.option("--split-seed", type=int, help="Seed of both draws.  [default: 42]"),
)


def data_options(verb: Verb) -> Verb:
    """Add --data, --sample, --classes, --allow-leak and the options of reading."""

    @click.option(
        "--data",
        metavar="PATH|NAME",
        type=click.Path(path_type=Path),
        help="Folder, archive or file with images: pictures in CLASS/ folders, CSV, IDX, NumPy, Parquet; or the name "
        "of a published set, such as mnist, cifar10 or medmnist:blood. Default: the "
        "environment variable MUSLIN_DATA, your cache, the system's copy, or a verified download of Fashion-MNIST.",
    )
    @click.option("--sample", is_flag=True, help="Use the 2,500 images that ship with Muslin, to try things out.")
    @click.option(
        "--classes",
        metavar="FILE|a,b,c",
        help="Names of the classes: comma-separated, or a file with one name per line.",
    )
    @click.option(
        "--allow-leak",
        is_flag=True,
        help="Continue although training and test files share images. The report says so in red.",
    )
    @reading_options
    @functools.wraps(verb)
    def with_data(*arguments: Any, data: Path | None, sample: bool, **options: Any) -> Any:
        if sample and data is not None:
            raise click.UsageError("--sample and --data exclude each other; give one of them.")
        return verb(*arguments, data=data, sample=sample, **options)

    return with_data


def _overrides(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Read FIELD=VALUE pairs: values are TOML, or text where they are none; `none` removes a part."""
    found: dict[str, Any] = {}
    for pair in values:
        field, equals, text = pair.partition("=")
        if not equals or not field.strip():
            raise click.BadParameter(f"'{pair}' has no '='. Write FIELD=VALUE, as in optimizer.learning_rate=0.02.")
        if field.strip() in found:
            raise click.BadParameter(f"the field '{field.strip()}' is given twice. Give it once.")
        found[field.strip()] = _value(text.strip())
    return found


def _value(text: str) -> Any:
    if text.lower() == "none":
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


recipe_options = options_of(
    click.option(
        "--recipe",
        metavar="RECIPE",
        help="best, fast, notebook, or a TOML file.  [default: fast]",
        shell_complete=recipes,
    ),
    click.option("--epochs", type=int, help="Largest number of epochs, in place of the recipe's."),
    click.option("--batch-size", type=int, help="Images per step, in place of the recipe's."),
    click.option("--lr", "learning_rate", type=float, help="Learning rate, in place of the recipe's."),
    click.option(
        "--flip/--no-flip", default=None, help="Whether images are mirrored, in place of the recipe's choice."
    ),
    click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="FIELD=VALUE",
        callback=_overrides,
        help="Any field of the recipe, as in --set optimizer.momentum=0.9; may be given several times.",
    ),
)
device_options = options_of(
    click.option("--device", help="cpu, cuda or mps.  [default: the fastest available]"),
    click.option(
        "--precision",
        type=click.Choice(["float32", "bfloat16"]),
        help="Precision of matrix products.  [default: bfloat16 where the hardware multiplies it natively]",
    ),
)
training_options = options_of(
    recipe_options,
    click.option(
        "--seed",
        type=click.IntRange(min=0, max=2**32 - 1),
        help="Seed of the initial weights, the order of images, augmentation and dropout.  [default: 0]",
    ),
    device_options,
    click.option(
        "-o",
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("runs"),
        show_default=True,
        help="Folder in which the run folder is made.",
    ),
    click.option(
        "--resume",
        metavar="RUN",
        shell_complete=runs,
        help="Resume an interrupted run: its folder, or 'latest'. It keeps its design, recipe, data and seed.",
    ),
)


def output_options(verb: Verb) -> Verb:
    """Add -q and -v; the verb gets them as `output: Output`."""

    @click.option("-q", "--quiet", is_flag=True, help="Print the answer and errors only.")
    @click.option("-v", "--verbose", is_flag=True, help="Print details as well.")
    @functools.wraps(verb)
    def with_output(*arguments: Any, quiet: bool, verbose: bool, **options: Any) -> Any:
        if quiet and verbose:
            raise click.UsageError("-q and -v exclude each other; give one of them.")
        return verb(*arguments, output=Output(quiet, verbose), **options)

    return with_output


json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
photo_option = click.option(
    "--photo/--no-photo",
    default=None,
    help="Prepare pictures as Fashion-MNIST's own were (trim, resize, sharpen, center, invert, gray), or only resize "
    "them. Default: prepare pictures of another size if the network's classes are Fashion-MNIST's.",
)
