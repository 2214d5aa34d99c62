"""`muslin data`: find or fetch the data, verify them, and describe them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muslin._options import as_options
from muslin.cli._options import data_options, json_option, output_options
from muslin.cli._output import Output

if TYPE_CHECKING:
    from rich.table import Table

    from muslin.data import Audit, Dataset

RELEASES = {
    "official": "the official release of Fashion-MNIST",
    "earlier": "the earlier release of Fashion-MNIST, the one of the CSV pair",
    "sample": "the sample of Fashion-MNIST that ships with Muslin, drawn from the official release",
    "unknown": "not a known release of Fashion-MNIST",
}


@click.command()
@data_options
@json_option
@output_options
def command(data: Path | None, as_json: bool, output: Output, **options: Any) -> None:
    """Find or fetch the data, verify them, and describe them.

    \b
    Muslin looks, in this order, at
      1. --data PATH
      2. the environment variable MUSLIN_DATA
      3. your cache (MUSLIN_CACHE moves it)
      4. the system's copy, /usr/share/datasets/fashion-mnist
      5. the publisher's mirrors, over HTTPS, into your cache
      6. on Debian and its relatives, the package dataset-fashion-mnist,
         fetched and unpacked into your cache without root

    Your own paths (1, 2) may hold any labeled images. All other places must hold the official files of Fashion-MNIST;
    each file is checked against the SHA-256 of its unzipped bytes before it is used.
    """  # noqa: D301  (click's mark for text that is not wrapped)
    from muslin.data import load_data  # noqa: PLC0415  (--help does without)

    with output.progress() as progress:
        dataset = load_data(data, **options, progress=progress)
    if as_json:
        output.answer_json(_as_json(dataset))
    else:
        output.answer(_summary(dataset), "", _counts(dataset), "", _lookup(dataset))


def _as_json(dataset: Dataset) -> dict[str, Any]:
    return {
        "source": str(dataset.source),
        "lookup": [{"name": place.name, "outcome": place.outcome} for place in dataset.lookup],
        "input_shape": list(dataset.input_shape),
        "class_names": list(dataset.class_names),
        "images": {name: len(split) for name, split in dataset.splits.items()},
        "fingerprint": dataset.fingerprint,
        "scaling": dataset.scaling.model_dump(mode="json"),
        "notes": list(dataset.notes),
        "audit": dataset.audit.model_dump(mode="json"),
    }


def _summary(dataset: Dataset) -> Table:
    from rich.table import Table  # noqa: PLC0415  (`--json` does without)
    from rich.text import Text  # noqa: PLC0415

    audit = dataset.audit
    height, width, channels = dataset.input_shape
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Source", Text(str(dataset.source)))
    table.add_row("Release", _release(audit))
    table.add_row("Images", f"{height}×{width}×{channels} (height × width × channels), {dataset.classes} classes")
    table.add_row(
        "Pixels",
        f"mean {audit.pixel_mean:.4f}, standard deviation {audit.pixel_deviation:.4f} on 0–1, in the training files",
    )
    table.add_row(
        "Duplicates",
        f"{audit.duplicates_in_train:,} in the training files, {audit.duplicates_in_test:,} in the test files; "
        f"{audit.test_images_in_train:,} test images are also in the training files",
    )
    for number, note in enumerate(dataset.notes):
        table.add_row("" if number else "Read as", Text(as_options(f"{note[0].upper()}{note[1:]}.")))
    table.add_row("Leak", Text(audit.leak, style="bold red") if audit.leak else "none")
    return table


def _release(audit: Audit) -> str:
    if audit.train_release != audit.test_release:
        return f"train: {RELEASES[audit.train_release]}; test: {RELEASES[audit.test_release]}"
    verified = {
        "official": "; every pixel and label verified" if audit.verified else "; [red]but not its exact pixels[/red]"
    }
    return RELEASES[audit.train_release] + verified.get(audit.train_release, "")


def _counts(dataset: Dataset) -> Table:
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    counts = dataset.audit.counts
    table = Table(box=box.SIMPLE, show_footer=True, pad_edge=False)
    table.add_column("Class", footer="All")
    for name, per_class in counts.items():
        table.add_column(name.capitalize(), justify="right", footer=f"{sum(per_class):,}")
    for number, name in enumerate(dataset.class_names):
        table.add_row(Text(f"{number:>2}  {name}"), *(f"{per_class[number]:,}" for per_class in counts.values()))
    return table


def _lookup(dataset: Dataset) -> Table:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    rows: Sequence[tuple[str, str]] = [(place.name, place.outcome) for place in dataset.lookup]
    for number, (name, outcome) in enumerate(rows):
        table.add_row("Looked at" if number == 0 else "", Text(name), Text(outcome))
    return table
