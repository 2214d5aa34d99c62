"""The values of a CSV file: pixels and labels, or the first line that is wrong."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from muslin._words import count
from muslin.data.readers._csv_columns import Columns
from muslin.data.readers._csv_text import CsvText, not_utf8
from muslin.data.readers._reading import MOST_BYTES
from muslin.errors import DataError

if TYPE_CHECKING:
    import polars as pl
    from jaxtyping import Num

_LONGEST_LABEL = 200  # characters
_MANY_VALUES = 64  # different values in a column, more than labels of unnamed files usually have
_MOSTLY = 0.9  # share of labels that are numbers, from which the others are taken for mistakes
_BLANK_LINES = 100  # at the end of a file that are overlooked
_EXACT = 2.0**53  # whole numbers below it are exact as float64


def decided(text: CsvText, columns: Columns) -> Columns:
    """Return the columns with the label in the first or in the last one, as the rows tell.

    A label has at least two values, and fewer than a pixel of a photograph. The corner pixels of many data sets have
    only one.
    """
    if not columns.either or columns.label is None:
        return columns
    import polars as pl  # noqa: PLC0415

    try:
        ends = _table(text, columns, (columns.label, len(columns.names) - 1), {})
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unreadable(text, columns, error) from error
    first, last = (len(set(ends[name].to_list())) for name in ends.columns)
    is_last = (first < 2 <= last) or (first > _MANY_VALUES and 2 <= last < first / 2)
    return columns.last_label if is_last else columns


def values(
    text: CsvText, columns: Columns, words: Sequence[int | None]
) -> tuple[Num[np.ndarray, "image pixel"], list[pl.Series]]:
    """Read the pixels of all rows, and other columns as text.

    Args:
        text: the file.
        columns: its columns.
        words: places of the columns that are read as text, such as the label's; None is left out.

    Returns:
        The pixels, as uint8 if all are whole numbers from 0 to 255, else as int32 or float32; and the other columns.

    Raises:
        DataError: a row has too few or too many values, or a pixel is not a number; or there are no rows.
    """
    import polars as pl  # noqa: PLC0415  (only this format and Parquet need it; 0.1 s)

    others = [place for place in words if place is not None]
    # Polars reads 60,000 rows of Fashion-MNIST (133 MB) in 0.8 s on two cores. Its errors do not name the row, and it
    # fills short rows with nulls; _explain then searches for the first invalid row.
    for kind in _kinds(text, columns):
        try:
            table = _table(text, columns, (*columns.pixels, *others), dict.fromkeys(columns.pixels, kind))
            break
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            if kind == pl.Float32:
                raise _unreadable(text, columns, error) from error
    table = _without_blank_end(table)
    if table.is_empty():
        raise DataError(f"{text.path} has a header but no rows. Download it again.")
    pixels = table.select(f"column_{place}" for place in columns.pixels)
    size = table.height * len(columns.pixels) * (1 if kind == pl.UInt8 else 4)
    if size > MOST_BYTES:
        raise DataError(f"{text.path}: its pixels take {size:,} bytes; the limit is {MOST_BYTES:,}. Use fewer images.")
    if any(pixels.null_count().row(0)):
        explain(text, columns)
        raise DataError(
            f"{text.path} has empty cells; every row needs {count(len(columns.pixels), 'pixel')}. Fill them in."
        )
    found = np.array(pixels.to_numpy(), order="C")
    if kind == pl.Float32 and not np.isfinite(found).all():
        explain(text, columns)
    return found, [table[f"column_{place}"].fill_null("").str.strip_chars().str.strip_chars('"') for place in others]


def labels(text: CsvText, columns: Columns, found: pl.Series) -> np.ndarray[Any, Any]:
    """Return labels as whole numbers if all are, otherwise as text.

    Raises:
        DataError: a label is missing, a fraction or too long, or is text among numbers.
    """
    import polars as pl  # noqa: PLC0415

    def refuse(wrong: pl.Series, why: str) -> None:
        row = wrong.arg_max() if wrong.any() else None
        if row is not None:
            line = row + (2 if columns.named else 1)
            raise DataError(f"{text.path}, line {line}: {why.format(repr(found[row][:40]))}")

    refuse(found == "", "the label is empty; every image needs one. Fill it in, or remove the line.")
    refuse(
        found.str.len_chars() > _LONGEST_LABEL,
        f"label {{}}… is longer than {_LONGEST_LABEL} characters. Check that this column has the labels.",
    )
    whole = found.cast(pl.Int64, strict=False)
    if not whole.null_count():
        return whole.to_numpy(writable=True)
    plain = found.str.replace(",", ".", literal=True) if text.decimal_comma else found
    numbers = plain.cast(pl.Float64, strict=False).fill_nan(None)
    if numbers.null_count() > (1 - _MOSTLY) * len(found):
        return np.array(found.to_list(), dtype=np.str_)
    refuse(numbers.is_null(), "label {} is not a number, as the others are. Correct the file.")
    refuse(
        (numbers % 1 != 0) | (numbers.abs() > _EXACT),
        "label {} is not a whole number; labels are whole numbers or names. Check that this column has the labels.",
    )
    return numbers.cast(pl.Int64).to_numpy(writable=True)


def explain(text: CsvText, columns: Columns) -> None:
    """Find the first invalid row and raise an error that explains it.

    Raises:
        DataError: if a row is invalid.
    """
    blank = 0
    try:
        with text.lines() as lines:
            for number, cells in lines:
                if number == 1 and columns.named:
                    continue
                if not any(cells) and len(cells) < len(columns.names):
                    blank = blank or number
                    continue
                if blank:
                    raise DataError(f"{text.path}, line {blank} is empty. Remove the line.")
                _check(text, columns, number, cells)
    except csv.Error as error:
        raise DataError(f"{text.path} cannot be read as CSV: {error}. Check its quotes.") from error


def _unreadable(text: CsvText, columns: Columns, error: BaseException) -> DataError:
    """Return the error for a file that Polars does not read: the first invalid row or, without one, Polars' words."""
    explain(text, columns)
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return DataError(f"{text.path} cannot be read as CSV: {reason:.300}.")


def _check(text: CsvText, columns: Columns, number: int, cells: list[str]) -> None:
    where = f"{text.path}, line {number}"
    if len(cells) != len(columns.names):
        expected = "the header names" if columns.named else "the first line has"
        raise DataError(
            f"{where}: {count(len(cells), 'value')}, but {expected} {len(columns.names)} columns. The file was "
            "probably cut off or edited; download it again."
        )
    for cell in cells:
        if not cell.isascii() and any("\udc80" <= character <= "\udcff" for character in cell):
            byte = next(character for character in cell if "\udc80" <= character <= "\udcff")
            raise not_utf8(text.path, f"line {number}, {bytes([ord(byte) - 0xDC00])!r}")
    for place in columns.pixels:
        found = text.number(cells[place])
        if found is None or not math.isfinite(found):
            raise DataError(
                f"{where}, column {columns.names[place]!r:.100}: {cells[place][:40]!r} is not a pixel; pixels are "
                "numbers. Correct the file."
            )


def _kinds(text: CsvText, columns: Columns) -> list[Any]:
    """Return the types that pixels may have, from the first that fits the first rows."""
    import polars as pl  # noqa: PLC0415

    seen = {row[place] for row in text.rows for place in columns.pixels if place < len(row)}
    if text.decimal_comma or not all(cell.lstrip("+-").isdecimal() or not cell for cell in seen):
        return [pl.Float32]
    small = all((cell.isdecimal() and len(cell) < 20 and int(cell) < 256) or not cell for cell in seen)
    return [pl.UInt8, pl.Int32, pl.Float32] if small else [pl.Int32, pl.Float32]


def _table(text: CsvText, columns: Columns, places: Sequence[int], kinds: dict[int, Any]) -> pl.DataFrame:
    import polars as pl  # noqa: PLC0415

    return pl.read_csv(
        text.source(),
        has_header=False,
        skip_rows=1 if columns.named else 0,
        schema={f"column_{place}": kinds.get(place, pl.String) for place in range(len(columns.names))},
        columns=None if len(places) == len(columns.names) else [f"column_{place}" for place in sorted(places)],
        separator=text.separator,
        decimal_comma=text.decimal_comma,
        eol_char=text.line_end,
    )


def _without_blank_end(table: pl.DataFrame) -> pl.DataFrame:
    """Leave out blank lines at the end, which Polars reads as rows without values."""
    end = table.tail(_BLANK_LINES).rows()
    while end and all(cell is None for cell in end[-1]):
        end.pop()
    return table.head(max(table.height - _BLANK_LINES, 0) + len(end))
