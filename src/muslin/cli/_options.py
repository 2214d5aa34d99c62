"""Options that several verbs share, each declared once.

A decorator hands the verb one object instead of many arguments:

    @click.command()
    @data_options          # data: DataChoice
    @output_options        # output: Output
    def command(data: DataChoice, output: Output) -> None:
        dataset = data.load(output)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muslin.cli._output import Output

if TYPE_CHECKING:
    from muslin.data import Dataset
    from muslin.runs.folder import RunFolder

Verb = Callable[..., Any]


@dataclass(frozen=True)
class DataChoice:
    """Which images the person asked for.

    Attributes:
        path: `--data`, or None to look in the usual places.
        sample: the sample that ships with Muslin.
        classes: names, comma-separated, or a file of them.
        allow_leak: go on though training and test files share images.
    """

    path: Path | None = None
    sample: bool = False
    classes: str | None = None
    allow_leak: bool = False

    def load(self, output: Output, *, download: bool = True) -> Dataset:
        """Find the data or, if it may be downloaded, fetch it, with progress on standard error."""
        from muslin.data import load_data  # noqa: PLC0415  (--help does without)

        with output.progress() as progress:
            return load_data(
                self.path,
                sample=self.sample,
                classes=self.classes,
                allow_leak=self.allow_leak,
                progress=progress,
                download=download,
            )

    def of_run(self, folder: RunFolder, output: Output, *, download: bool = True) -> Dataset:
        """The data of an existing run: what was asked for, or else what it was trained on."""
        data = folder.record.data
        choice = self.or_else(data.source, sample=data.sample)
        if choice is not self and data.audit.verified and choice.path is not None and not choice.path.exists():
            choice = self  # the official files are in other places, too
        return replace(choice, allow_leak=self.allow_leak or data.audit.leak_allowed).load(output, download=download)

    def or_else(self, source: str, *, sample: bool) -> DataChoice:
        """This choice or, if it leaves open where the data are, the place that a person gave as `source` says."""
        if self.sample or self.path is not None:
            return self
        from muslin.data.sources import given_place  # noqa: PLC0415  (--help does without)

        return replace(self, sample=sample, path=given_place(source))


def data_options(verb: Verb) -> Verb:
    """Add --data, --sample, --classes and --allow-leak; the verb gets them as `data: DataChoice`."""

    @click.option(
        "--data",
        "path",
        metavar="PATH",
        type=click.Path(path_type=Path),
        help="A folder of IDX, CSV or Parquet files or of train/CLASS/ and test/CLASS/ images, or an .npz file. "
        "Without it: the environment variable MUSLIN_DATA, your cache, the system's copy, a verified download.",
    )
    @click.option("--sample", is_flag=True, help="Use the 2,500 images that ship with Muslin: for trying things on.")
    @click.option(
        "--classes",
        metavar="FILE|a,b,c",
        help="Names for the classes: comma-separated, or a file with one name a line.",
    )
    @click.option(
        "--allow-leak",
        is_flag=True,
        help="Go on though training and test files share images; the report then says so in red.",
    )
    @functools.wraps(verb)
    def with_data(
        *arguments: Any, path: Path | None, sample: bool, classes: str | None, allow_leak: bool, **options: Any
    ) -> Any:
        if sample and path is not None:
            raise click.UsageError("--sample and --data exclude each other; give one of them.")
        return verb(*arguments, data=DataChoice(path, sample, classes, allow_leak), **options)

    return with_data


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


json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON, for a machine to read.")
