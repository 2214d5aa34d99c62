"""The Parquet pair of data set hubs: `image` as encoded bytes (or a struct with them), `label` as a whole number."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muslin.data._parquet_pages import NotParquet, unpacked_size
from muslin.data._reading import MOST_BYTES, may_unzip_to, refuse_impostor, refuse_oversize
from muslin.data._train_test import train_and_test
from muslin.data.contents import Contents, Part
from muslin.data.images import decode
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

if TYPE_CHECKING:
    import polars as pl

LOOKED_FOR = "two .parquet files named train and test, e.g. train-00000-of-00001.parquet (several shards are joined)"
IMAGE, LABEL = "image", "label"


def found(folder: Path) -> list[Path]:
    """Return the training and test Parquet files that exist in a folder."""
    return list(itertools.chain(*train_and_test(folder, ".parquet").values()))


def read(folder: Path, _reading: Reading = AS_IS) -> Contents:
    """Read the training and test Parquet files of a folder.

    Raises:
        DataError: if a split has no files, or a file is damaged, lacks a column, or has an image that cannot be
            decoded.
    """
    files = train_and_test(folder, ".parquet")
    for split in ("train", "test"):
        if split not in files:
            raise DataError(f"{folder} has no {split} file. Expected {LOOKED_FOR}.")
    train, test = _part(files["train"]), _part(files["test"])
    return Contents(train, test, class_names=_class_names(files["train"][0]))


def _part(shards: list[Path]) -> Part:
    parts = [_shard(path) for path in shards]
    shapes = {images.shape[1:] for images, _ in parts}
    if len(shapes) > 1:
        raise DataError(
            f"shards {', '.join(path.name for path in shards)} contain images of different shapes: "
            f"{', '.join('×'.join(map(str, shape)) for shape in sorted(shapes))}. Convert all images to one shape."
        )
    images, labels = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Part(images, labels, shards[0].name)


def _shard(path: Path) -> tuple[np.ndarray, np.ndarray]:
    import polars as pl  # noqa: PLC0415  (takes 0.1 s; only Parquet and CSV need it)

    refuse_impostor(path)
    refuse_oversize(path)
    try:
        may_unzip_to(path, unpacked_size(path))
        _check_columns(path, pl.read_parquet_schema(path))
        table = pl.read_parquet(path, columns=[IMAGE, LABEL])
    except (NotParquet, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as Parquet: {reason}. Download it again.") from error
    if table.is_empty():
        raise DataError(f"{path} has no rows. Download it again.")
    if lacking := table[LABEL].null_count():
        rows = "1 row has" if lacking == 1 else f"{lacking:,} rows have"
        raise DataError(f"{path}: {rows} no label; every image needs one. Add the labels, or remove the rows.")
    images = table[IMAGE]
    _check_images(path, images.struct.field("bytes") if isinstance(images.dtype, pl.Struct) else images)
    encoded = (images.struct.field("bytes") if isinstance(images.dtype, pl.Struct) else images).to_list()
    if None in encoded:
        raise DataError(
            f"{path}: row {encoded.index(None) + 1} has no image bytes. The file must contain the images themselves, "
            "not their paths."
        )
    labels = table[LABEL].cast(pl.Int64).to_numpy(writable=True)
    return decode(encoded, lambda row: f"{path.name}, row {row + 1}"), labels


def _check_images(path: Path, images: pl.Series) -> None:
    """Reject images whose copies would exceed the memory limit: a file may store one image and repeat it."""
    total = images.bin.size().sum() or 0
    if total > MOST_BYTES:
        raise DataError(
            f"{path}: its encoded images take {total:,} bytes; the limit is {MOST_BYTES:,}. Use fewer images."
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
            f"{path}: column {IMAGE!r} has the type {image}; it must contain encoded images, as binary or as a struct "
            "with a field `bytes`."
        )
    if not label.is_integer():
        raise DataError(f"{path}: column {LABEL!r} has the type {label}; labels must be whole numbers from 0.")


def _class_names(path: Path) -> tuple[str, ...] | None:
    """Read the class names from the metadata of files that the `datasets` library wrote."""
    import polars as pl  # noqa: PLC0415

    try:
        names = json.loads(pl.read_parquet_metadata(path)["huggingface"])["info"]["features"][LABEL]["names"]
    # AttributeError: Polars has this experimental function only since 1.31.
    except (AttributeError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError):
        return None
    if isinstance(names, list) and len(names) > 1 and all(isinstance(name, str) and name.strip() for name in names):
        return tuple(names)
    return None
