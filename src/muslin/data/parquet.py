"""The Parquet pair that dataset hubs serve: `image` as encoded bytes (or a struct with them), `label` as a number."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muslin.data._parquet_pages import NotParquet, unpacked_size
from muslin.data._reading import MOST_BYTES, may_unzip_to, refuse_impostor, refuse_oversize
from muslin.data._train_test import train_and_test
from muslin.data.images import decode
from muslin.data.split import Files, Split
from muslin.errors import DataError

if TYPE_CHECKING:
    import polars as pl

LOOKED_FOR = "two .parquet files named train and test, e.g. train-00000-of-00001.parquet (several shards are joined)"
IMAGE, LABEL = "image", "label"


def found(folder: Path) -> list[Path]:
    """The training and test Parquet files in a folder, those that there are."""
    return list(itertools.chain(*train_and_test(folder, ".parquet").values()))


def read(folder: Path) -> Files:
    """Read the training and the test Parquet files of a folder.

    Raises:
        DataError: there are none for a split, one is damaged, lacks a column, or has an image that can't be decoded.
    """
    files = train_and_test(folder, ".parquet")
    for split in ("train", "test"):
        if split not in files:
            raise DataError(f"{folder} has no {split} file. Looked for {LOOKED_FOR}.")
    train, test = _split(files["train"]), _split(files["test"])
    return Files(train, test, files["train"][0].name, files["test"][0].name, _class_names(files["train"][0]))


def _split(shards: list[Path]) -> Split:
    parts = [_shard(path) for path in shards]
    shapes = {part.images.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise DataError(
            f"The shards {', '.join(path.name for path in shards)} hold images of different shapes: "
            f"{', '.join('×'.join(map(str, shape)) for shape in sorted(shapes))}. All must be alike."
        )
    return Split(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


def _shard(path: Path) -> Split:
    import polars as pl  # noqa: PLC0415  (only this format and CSV need it; 0.1 s)

    refuse_impostor(path)
    refuse_oversize(path)
    try:
        may_unzip_to(path, unpacked_size(path))
        _check_columns(path, pl.read_parquet_schema(path))
        table = pl.read_parquet(path, columns=[IMAGE, LABEL])
    except (NotParquet, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} can't be read as Parquet: {reason}. Fetch it again.") from error
    if table.is_empty():
        raise DataError(f"{path} has no rows.")
    if lacking := table[LABEL].null_count():
        rows = "1 row has" if lacking == 1 else f"{lacking:,} rows have"
        raise DataError(f"{path}: {rows} no label; every image needs one.")
    images = table[IMAGE]
    _check_images(path, images.struct.field("bytes") if isinstance(images.dtype, pl.Struct) else images)
    encoded = (images.struct.field("bytes") if isinstance(images.dtype, pl.Struct) else images).to_list()
    if None in encoded:
        raise DataError(
            f"{path}: row {encoded.index(None) + 1} has no image bytes; the file must hold the images themselves, not "
            "paths to them."
        )
    labels = table[LABEL].cast(pl.Int64).to_numpy(writable=True)
    return Split(decode(encoded, lambda row: f"{path.name}, row {row + 1}"), labels)


def _check_images(path: Path, images: pl.Series) -> None:
    """Refuse images that would be copied out to more than Muslin holds: a file may hold one image and repeat it."""
    total = images.bin.size().sum() or 0
    if total > MOST_BYTES:
        raise DataError(
            f"{path}: its images take {total:,} bytes, encoded; Muslin holds at most {MOST_BYTES:,}. Take fewer images."
        )


def _check_columns(path: Path, schema: dict[str, pl.DataType]) -> None:
    import polars as pl  # noqa: PLC0415

    missing = [name for name in (IMAGE, LABEL) if name not in schema]
    if missing:
        raise DataError(
            f"{path} has no column {' and no column '.join(map(repr, missing))}; it has {', '.join(schema) or 'none'}."
        )
    image, label = schema[IMAGE], schema[LABEL]
    has_bytes = isinstance(image, pl.Struct) and any(
        field.name == "bytes" and field.dtype == pl.Binary for field in image.fields
    )
    if not (image == pl.Binary or has_bytes):
        raise DataError(
            f"{path}: the column {IMAGE!r} is of type {image}; it must hold encoded images: binary, or a struct "
            "with a field `bytes`."
        )
    if not label.is_integer():
        raise DataError(f"{path}: the column {LABEL!r} is of type {label}; labels are whole numbers from 0.")


def _class_names(path: Path) -> tuple[str, ...] | None:
    """The names that the `datasets` library leaves in the file's metadata, if it wrote the file."""
    import polars as pl  # noqa: PLC0415

    try:
        names = json.loads(pl.read_parquet_metadata(path)["huggingface"])["info"]["features"][LABEL]["names"]
    # AttributeError: Polars calls this reading of metadata experimental, and before 1.31 hadn't got it.
    except (AttributeError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError):
        return None
    if isinstance(names, list) and len(names) > 1 and all(isinstance(name, str) and name.strip() for name in names):
        return tuple(names)
    return None
