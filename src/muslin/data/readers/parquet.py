"""The Parquet files of data set hubs: encoded images and labels, in files or folders named after the splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muslin._words import listed
from muslin.data.contents import Contents, Labels, Part
from muslin.data.readers._array_names import SplitName, split_of, split_of_folder
from muslin.data.readers._parquet_columns import Columns, class_names, find_columns
from muslin.data.readers._parquet_pages import NotParquet, unpacked_size
from muslin.data.readers._reading import MOST_BYTES, may_unzip_to, refuse_impostor, refuse_oversize
from muslin.data.readers.images import Pictures, decode_all
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

if TYPE_CHECKING:
    import polars as pl

LOOKED_FOR = "two .parquet files named train and test, e.g. train-00000-of-00001.parquet (several shards are joined)"
_SUFFIX = ".parquet"
_NO_LABEL = -1  # what hubs write for images whose labels are withheld


@dataclass
class _Table:
    """The shards of one data set, by split; and those of no split."""

    splits: dict[SplitName, list[Path]] = field(default_factory=dict)
    others: list[Path] = field(default_factory=list)

    @property
    def files(self) -> list[Path]:
        return [*(path for paths in self.splits.values() for path in paths), *self.others]


def found(folder: Path) -> list[Path]:
    """Return the Parquet files that exist in a folder, or in its folders train/, test/ and the like."""
    return _table(folder).files


def _table(folder: Path) -> _Table:
    table = _Table()
    for path in sorted(folder.iterdir()):
        inside = split_of_folder(path.name)
        if _is_parquet(path):
            if (split := split_of(path.stem)) is not None:
                table.splits.setdefault(split, []).append(path)
            else:
                table.others.append(path)
        elif inside is not None and path.is_dir():
            shards = sorted(filter(_is_parquet, path.iterdir()))
            if shards:
                table.splits.setdefault(inside, []).extend(shards)
    if not table.splits:  # one table without splits
        table = _Table({"train": table.others} if table.others else {})
    return table


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == _SUFFIX and path.is_file()


def read(place: Path, reading: Reading = AS_IS) -> Contents:
    """Read the Parquet files of a folder, or of the one that a file is in.

    Raises:
        DataError: if there are no training files, or a file is damaged, lacks a column, or has an image that cannot be
            decoded.
    """
    folder = place if place.is_dir() else place.parent
    if place != folder and split_of_folder(folder.name) is not None and place in found(folder.parent):
        folder = folder.parent
    table = _table(folder)
    if "train" not in table.splits:
        raise DataError(f"{folder} has no train file. Expected {LOOKED_FOR}.")
    first = table.splits["train"][0]
    columns = find_columns(first, _schema(first), reading.label)
    rows = {split: _rows(shards, columns) for split, shards in table.splits.items()}
    notes = list(columns.notes)
    if table.others:
        notes.append(f"{listed([path.name for path in table.others[:5]])} not used")
    unlabeled = ""
    if "test" in rows and rows["test"].labels.dtype.kind == "i" and (rows["test"].labels == _NO_LABEL).all():
        unlabeled = rows.pop("test").name
    splits = sorted(rows, key=lambda split: split != "train")  # the training images decide on the ground
    decoded = decode_all([Pictures(rows[split].encoded, rows[split].named) for split in splits], reading)
    parts = {
        split: Part(images, rows[split].labels, rows[split].name)
        for split, images in zip(splits, decoded.images, strict=True)
    }
    return Contents(
        parts["train"],
        parts.get("test"),
        parts.get("validation"),
        class_names=None if parts["train"].labels.dtype.kind == "U" else class_names(first, columns.label),
        notes=(*notes, *decoded.notes),
        ground=decoded.ground,
        unlabeled=unlabeled,
    )


@dataclass(frozen=True)
class _Rows:
    """The rows of all shards of a split."""

    shards: list[Path]
    lengths: list[int]
    encoded: list[bytes]
    labels: Labels

    @property
    def name(self) -> str:
        return self.shards[0].name

    def named(self, row: int) -> str:
        """Return the shard and the place in it of a row."""
        for shard, length in zip(self.shards, self.lengths, strict=True):
            if row < length:
                return f"{shard.name}, row {row + 1}"
            row -= length
        raise IndexError(row)


def _rows(shards: list[Path], columns: Columns) -> _Rows:
    parts = [_shard(path, columns) for path in shards]
    encoded = [image for images, _ in parts for image in images]
    total = sum(map(len, encoded))
    if total > MOST_BYTES:
        raise DataError(
            f"the encoded images of {shards[0].name} and its other shards take {total:,} bytes; the limit is "
            f"{MOST_BYTES:,}. Use fewer images."
        )
    return _Rows(shards, [len(images) for images, _ in parts], encoded, np.concatenate([labels for _, labels in parts]))


def _schema(path: Path) -> dict[str, pl.DataType]:
    import polars as pl  # noqa: PLC0415  (takes 0.1 s; only Parquet and CSV need it)

    refuse_impostor(path)
    refuse_oversize(path)
    try:
        may_unzip_to(path, unpacked_size(path))
        return dict(pl.read_parquet_schema(path))
    except (NotParquet, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _unreadable(path, error) from error


def _shard(path: Path, columns: Columns) -> tuple[Sequence[bytes], Labels]:
    import polars as pl  # noqa: PLC0415

    columns.require(path, _schema(path))
    try:
        table = pl.read_parquet(path, columns=[columns.image, columns.label])
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _unreadable(path, error) from error
    if table.is_empty():
        raise DataError(f"{path} has no rows. Download it again.")
    if lacking := table[columns.label].null_count():
        rows = "1 row has" if lacking == 1 else f"{lacking:,} rows have"
        raise DataError(f"{path}: {rows} no label; every image needs one. Add the labels, or remove the rows.")
    images = table[columns.image]
    images = images.struct.field("bytes") if isinstance(images.dtype, pl.Struct) else images
    _check_size(path, images)
    encoded: Sequence[bytes] = images.to_list()
    if None in encoded:
        raise DataError(
            f"{path}: row {encoded.index(None) + 1} has no image bytes. The file must contain the images themselves, "
            "not their paths."
        )
    return encoded, _labels(path, table[columns.label])


def _labels(path: Path, labels: pl.Series) -> Labels:
    import polars as pl  # noqa: PLC0415

    if labels.dtype.is_integer() or labels.dtype == pl.Boolean:
        try:
            return labels.cast(pl.Int64).to_numpy(writable=True)
        except pl.exceptions.PolarsError as error:
            raise DataError(f"{path} has labels that are too large; labels are whole numbers from 0.") from error
    text = labels.cast(pl.String).str.strip_chars()
    if (text == "").any():
        raise DataError(f"{path}: row {text.to_list().index('') + 1} has an empty label; every image needs one.")
    return np.array(text.to_list())


def _check_size(path: Path, images: pl.Series) -> None:
    """Reject images whose copies would exceed the memory limit: a file may store one image and repeat it."""
    total = images.bin.size().sum() or 0
    if total > MOST_BYTES:
        raise DataError(
            f"{path}: its encoded images take {total:,} bytes; the limit is {MOST_BYTES:,}. Use fewer images."
        )


def _unreadable(path: Path, error: BaseException) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(f"{path} cannot be read as Parquet: {reason:.300}. Download it again.")
