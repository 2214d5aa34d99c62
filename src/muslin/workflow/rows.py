"""Rows of CSV files as pictures for a network, and its predictions as a CSV file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muslin._disk.files import write_text
from muslin.data.readers import csv_files
from muslin.errors import DataError
from muslin.pictures.picture import Picture
from muslin.runs.files import require_free
from muslin.runs.folder import RunFolder
from muslin.runs.record import DataRecord

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet computes what begins with them


@dataclass(frozen=True)
class Head:
    """Names of the two columns of a file with predictions.

    Attributes:
        id: name of the column with the images (default "image").
        label: name of the column with the classes (default "label").
    """

    id: str = "image"
    label: str = "label"


def pictures_in_rows(path: Path, data: DataRecord) -> tuple[list[Picture], Head]:
    """Read the rows of a CSV file as a network's training images were read.

    Args:
        path: the file; labels that it has are left out.
        data: record of the images that the network was trained on.

    Returns:
        A picture per row, named by its id or else by its number from 1; and the names of the columns for predictions.

    Raises:
        DataError: the file cannot be read, or its images have another shape than the network's input.
    """
    height, width, channels = data.input_shape
    shape = (width, height, channels) if data.reading.transpose else (height, width, channels)
    rows = csv_files.read_unlabeled(path, data.reading, shape)
    images = data.scaling.bytes(rows.images)
    if data.reading.transpose:
        images = np.ascontiguousarray(images.transpose(0, 2, 1, 3))
    pictures = [Picture(name, image, (width, height), False) for name, image in zip(rows.ids, images, strict=True)]
    trained = csv_files.label_name(data.source.given, data.reading) if data.source.given else None
    return pictures, Head(rows.id_name, trained or data.reading.label or rows.label_name or "label")


def require_place(out: Path, folder: RunFolder, sources: Sequence[object]) -> None:
    """Check that predictions can be written to a file before they are computed.

    Raises:
        DataError: its name does not end in .csv, or it is one of the files to predict.
        MuslinError: it belongs to a run.
    """
    if out.suffix.lower() != ".csv":
        raise DataError(f"predictions are written as CSV, so `out={out}` must end in .csv. Choose another name.")
    paths = [Path(source) for source in sources if isinstance(source, str | Path)]
    if out.exists() and any(path.exists() and path.samefile(out) for path in paths):
        raise DataError(f"{out} is one of the files to predict and would be overwritten. Choose another name.")
    require_free(out, folder.path / "model.safetensors")


def write_predictions(out: Path, head: Head, found: Sequence[tuple[str, str]], names: Sequence[str]) -> None:
    """Write a line per image: its name and its class.

    Args:
        out: the file, which is replaced if it exists.
        head: names of the columns.
        found: name and predicted class of each image.
        names: names of all classes. Where all are "class N", N is written.

    Raises:
        MuslinError: the file cannot be written.
    """
    numbered = all(re.fullmatch(r"class -?\d+", name) for name in names)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((_cell(head.id), _cell(head.label)))
    for image, name in found:
        writer.writerow((_cell(image), name.removeprefix("class ") if numbered else _cell(name)))
    write_text(out, text.getvalue())


def _cell(text: str) -> str:
    """Return text that stays text in a spreadsheet."""
    return f"'{text}" if text.startswith(_FORMULA) and not re.fullmatch(r"-?\d+(\.\d+)?", text) else text
