"""CSV files as text: encoding, separator, and the first lines."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from muslin.data.readers._reading import (
    EXPANSION_FLOOR,
    MOST_BYTES,
    MOST_EXPANSION,
    may_unzip_to,
    refuse_oversize,
    unzipped,
)
from muslin.errors import DataError

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
MOST_COLUMNS = 128**2  # largest number of pixel columns; Polars takes about 4 KB for each
_SPARE_COLUMNS = 64  # columns beside the pixels
_LONGEST_HEADER = 2**20  # bytes; 16,384 columns are 0.2 MB
_LONGEST_CELL = 50_000  # characters; FER2013 has 2,304 pixels in a cell, which is refused by name
_SEEN = 8  # lines after the first that show what the columns hold
_CHUNK = 2**20
_SEPARATORS = ("\t", ";", "|")  # beside the comma


@dataclass(frozen=True)
class CsvText:
    """What the first lines of a CSV file tell.

    Attributes:
        path: the file.
        separator: character between cells.
        decimal_comma: whether fractions are written as in "0,5".
        first: cells of the first line.
        rows: cells of the next lines.
        line_end: character at the end of a line; a carriage return where there is no other, as on old Macs.
    """

    path: Path
    separator: str
    decimal_comma: bool
    first: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    line_end: str = "\n"

    def source(self) -> Path | bytes:
        """Return the file for Polars: its path or, if it is gzipped, its content.

        Raises:
            DataError: the file is damaged, too large or a decompression bomb.
        """
        with self.path.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                return self.path
            file.seek(-4, 2)
            may_unzip_to(self.path, int.from_bytes(file.read(4), "little"))  # as its end declares
        most = min(MOST_BYTES, max(EXPANSION_FLOOR, MOST_EXPANSION * self.path.stat().st_size))
        content = bytearray()
        with unzipped(self.path) as file:
            while chunk := file.read(_CHUNK):
                content += chunk
                if len(content) > most:
                    raise DataError(
                        f"{self.path} unpacks to more than {most:,} bytes, the limit for a file of its size. Use fewer "
                        "images."
                    )
        return bytes(content)

    @contextmanager
    def lines(self) -> Iterator[Iterator[tuple[int, list[str]]]]:
        """Open the file again, and yield line numbers from 1 with cells; bytes that are not UTF-8 become surrogates."""
        with unzipped(self.path) as file:
            text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
            reader = csv.reader(text, delimiter=self.separator)
            yield ((reader.line_num, [cell.strip() for cell in row]) for row in reader)

    def number(self, cell: str) -> float | None:
        """Return the number that a cell holds, or None."""
        if self.decimal_comma:
            cell = cell.replace(",", ".")
        return float(cell) if re.fullmatch(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*", cell, re.IGNORECASE) else None


def look_at(path: Path) -> CsvText:
    """Read the first lines of a CSV file.

    Raises:
        DataError: the file is missing, empty or not a text in UTF-8, or has too many columns.
    """
    refuse_oversize(path)
    with unzipped(path) as file:
        head = file.readline(_LONGEST_HEADER)
        rows = [file.readline(_LONGEST_HEADER) for _ in range(_SEEN)]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise not_utf8(path, "UTF-16")
    try:
        first = head.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise not_utf8(path, f"line 1, {head[error.start : error.start + 1]!r}") from error
    lines = [row.decode(errors="replace").rstrip("\r\n") for row in rows if row.strip()]
    line_end = "\r" if "\r" in first and not lines else "\n"
    if line_end == "\r":
        first, *lines = first.split("\r")[: _SEEN + 1]
    separator = _separator(first)
    if first.count(separator) >= MOST_COLUMNS + _SPARE_COLUMNS:
        raise too_many(path, first.count(separator))
    for number, line in enumerate((first, *lines), start=1):
        if len(line) > _LONGEST_CELL and max(map(len, line.split(separator))) > _LONGEST_CELL:
            raise DataError(
                f"{path}, line {number}: a cell has more than {_LONGEST_CELL:,} characters; labels and pixels are "
                "short. Check that it is a table of images, with one pixel in a cell."
            )
    cells = tuple(_cells(line, separator) for line in lines)
    first_cells = _cells(first, separator)
    comma = separator != "," and any(re.fullmatch(r"-?\d+,\d+", cell) for row in (first_cells, *cells) for cell in row)
    return CsvText(path, separator, comma, first_cells, cells, line_end)


def not_utf8(path: Path, where: str) -> DataError:
    """Return the error for a file in another encoding."""
    return DataError(
        f"{path} is not encoded as UTF-8 ({where}). Save it as UTF-8, in Excel as 'CSV UTF-8'; for Latin-1: "
        f"iconv -f latin1 -t utf8 {path.name}."
    )


def too_many(path: Path, pixels: int) -> DataError:
    """Return the error for a file with too many columns."""
    return DataError(
        f"{path} has {pixels:,} pixel columns; Muslin reads at most {MOST_COLUMNS:,} (128×128 pixels) from CSV. "
        "Use an .npz file, Parquet or a folder of images."
    )


def _separator(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    commas = bare.count(",")  # between cells, or in every cell but one: 5;0,1;0,2
    return next((each for each in _SEPARATORS if bare.count(each) >= max(1, commas - 1)), ",")


def _cells(line: str, separator: str) -> tuple[str, ...]:
    try:
        return tuple(cell.strip() for cell in next(csv.reader([line], delimiter=separator), []))
    except csv.Error:  # an endless cell, which is refused when the file is read
        return tuple(cell.strip() for cell in line.split(separator))
