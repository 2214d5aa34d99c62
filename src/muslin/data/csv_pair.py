"""The CSV pair: one image per row, as `label` and its pixels in row order, 0–255; 785 columns for 28×28 images."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muslin._words import count
from muslin.data._reading import refuse_impostor, refuse_oversize
from muslin.data._train_test import one_of_each, train_and_test
from muslin.data.contents import Contents, Part
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import UInt8

LOOKED_FOR = "fashion-mnist_train.csv and fashion-mnist_test.csv (or any two .csv files named train and test)"
LABEL = "label"

MOST_COLUMNS = 128**2  # largest number of pixel columns; Polars takes about 4 KB for each
_LONGEST_HEADER = 2**20  # bytes; 16,384 columns are 0.2 MB
_PIXEL_VALUES = frozenset(str(value).encode() for value in range(256))


def found(folder: Path) -> list[Path]:
    """Return the training and test CSV files that exist in a folder."""
    return list(itertools.chain(*train_and_test(folder, ".csv").values()))


def read(folder: Path, _reading: Reading = AS_IS) -> Contents:
    """Read the training and test CSV files of a folder.

    Raises:
        DataError: if a file or column is missing, a row has too few or too many values, or a value is not a whole
            number from 0 to 255.
    """
    train, test = one_of_each(folder, train_and_test(folder, ".csv"), LOOKED_FOR)
    return Contents(_part(train), _part(test))


def _part(path: Path) -> Part:
    import polars as pl  # noqa: PLC0415  (only this format and Parquet need it; 0.1 s)

    columns = _columns(path)
    schema = {name: pl.Int64 if name == LABEL else pl.UInt8 for name in columns}
    try:
        # Polars reads 60,000 rows of Fashion-MNIST (133 MB) in 0.8 s on two cores. Its errors do not name the row, and
        # it fills short rows with nulls; _explain then searches for the first invalid row.
        table = pl.read_csv(path, schema=schema)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        _explain(path, columns)
        raise DataError(f"{path} cannot be read as CSV: {str(error).splitlines()[0]:.300}.") from error
    if table.is_empty():
        raise DataError(f"{path} has a header but no rows. Download it again.")
    if any(table.null_count().row(0)):
        _explain(path, columns)
        raise DataError(f"{path} has empty cells; every row needs a label and {len(columns) - 1} pixels.")
    return Part(_images(table.drop(LABEL).to_numpy()), table[LABEL].to_numpy(writable=True), path.name)


def _images(pixels: UInt8[np.ndarray, "image pixel"]) -> UInt8[np.ndarray, "image side side 1"]:
    side = math.isqrt(pixels.shape[1])
    return np.array(pixels, order="C").reshape(len(pixels), side, side, 1)


def _columns(path: Path) -> list[str]:
    """Read the column names, and check that they are a label and the pixels of a square image."""
    refuse_impostor(path)
    refuse_oversize(path)
    with path.open("rb") as file:
        header = file.readline(_LONGEST_HEADER)
    columns = [name.strip().strip('"') for name in header.decode("utf-8-sig", errors="replace").split(",")]
    if LABEL not in columns:
        semicolons = " It seems to use semicolons; save it with commas." if ";" in columns[0] else ""
        raise DataError(
            f"{path} has no column {LABEL!r}; its first line starts with {', '.join(columns[:3])[:60]!r}.{semicolons} "
            "The first line must name the columns: label,pixel1,pixel2,…"
        )
    twice = (
        next((name for name in columns if columns.count(name) > 1), None) if len(set(columns)) < len(columns) else None
    )
    if twice is not None:
        raise DataError(f"{path} has the column {twice!r:.100} twice; every column needs a different name.")
    pixels = len(columns) - 1
    if pixels > MOST_COLUMNS:
        raise DataError(
            f"{path} has {pixels:,} pixel columns; Muslin reads at most {MOST_COLUMNS:,} (128×128 pixels) from CSV. "
            "Use an .npz file, Parquet or a folder of images."
        )
    if pixels == 0 or math.isqrt(pixels) ** 2 != pixels:
        raise DataError(
            f"{path} has {count(pixels, 'pixel column')}{_gap(columns)}; the number must be a square, such as 784 for "
            "28×28. For other shapes and for color images, use an .npz file, Parquet or a folder of images."
        )
    return columns


def _gap(columns: list[str]) -> str:
    numbers = sorted(int(match[1]) for name in columns if (match := re.fullmatch(r"pixel(\d{1,9})", name)))
    gap = next((before + 1 for before, after in itertools.pairwise(numbers) if after != before + 1), None)
    return "" if gap is None else f" (pixel{gap} is missing)"


def _explain(path: Path, columns: list[str]) -> None:
    """Find the first invalid row and raise an error that explains it.

    Raises:
        DataError: if a row is invalid.
    """
    label = columns.index(LABEL)
    with path.open("rb") as file:
        next(file)
        for number, line in enumerate(file, start=2):
            cells = [cell.strip(b' \t\r\n"') for cell in line.split(b",")]
            if len(cells) != len(columns):
                raise DataError(
                    f"{path}, line {number}: {count(len(cells), 'value')}, but the header names {len(columns)} "
                    "columns. The file was probably cut off or edited; download it again."
                )
            if _PIXEL_VALUES.issuperset(cells):
                continue
            for column, cell in enumerate(cells):
                if column == label and not re.fullmatch(rb"-?\d+", cell):
                    raise DataError(
                        f"{path}, line {number}: label {_shown(cell)} is not a whole number; labels are whole numbers "
                        "from 0. Correct the file."
                    )
                if column != label and cell not in _PIXEL_VALUES:
                    raise DataError(
                        f"{path}, line {number}, column {columns[column]!r:.100}: {_shown(cell)} is not a pixel; "
                        "pixels are whole numbers from 0 to 255. Correct the file."
                    )


def _shown(cell: bytes) -> str:
    return repr(cell[:40].decode(errors="replace"))
