"""The columns of a Parquet file that hold the images and the labels, and the names of the classes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muslin._words import listed
from muslin.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_IMAGES = ("image", "img", "picture", "image_file", "images")
_LABELS = ("label", "labels", "fine_label", "class", "target", "category", "class_label", "coarse_label")
_ALSO_LABELS = ("coarse", "fine", "label", "class", "target", "category")  # words in names of other labels
_NAMED = 6

Schema = Mapping[str, "pl.DataType"]


@dataclass(frozen=True)
class Columns:
    """The names of two columns.

    Attributes:
        image: column with encoded images.
        label: column with labels.
        notes: what a person should know about the choice.
    """

    image: str
    label: str
    notes: tuple[str, ...] = ()

    def require(self, path: Path, schema: Schema) -> None:
        """Check that a file has both columns, with types that can be read.

        Raises:
            DataError: a column is missing or of another type.
        """
        missing = [name for name in (self.image, self.label) if name not in schema]
        if missing:
            raise DataError(
                f"{path} has no column {' and no column '.join(map(repr, missing))}; it has {_shown(schema)}."
            )
        if not _is_image(schema[self.image]):
            raise DataError(
                f"{path}: column {self.image!r} has the type {schema[self.image]!s:.100}; it must contain encoded "
                "images, as binary or as a struct with a field `bytes`."
            )
        _require_label(path, self.label, schema[self.label])


def find_columns(path: Path, schema: Schema, given: str | None) -> Columns:
    """Find the columns by their types and names.

    Args:
        path: the file, for messages.
        schema: types of the columns.
        given: name of the column with the labels, if a person named it.

    Raises:
        DataError: no column, or more than one, can be the one, or its type cannot be read.
    """
    image = _image(path, schema)
    if given is not None:
        if given not in schema:
            raise DataError(f"`label={given!r}` names no column of {path}; it has {_shown(schema)}.")
        label = given
    else:
        label = _label(path, schema, image)
    others = [name for name in schema if name not in (image, label) and _names_labels(name)]
    columns = Columns(image, label)
    columns.require(path, schema)
    if given is None and others:
        first = others[0]
        return Columns(
            image, label, (f'the labels are those of the column {label}; `label="{first}"` reads those of {first}',)
        )
    usual = label.lower() in ("label", "labels") or given is not None
    return columns if usual else Columns(image, label, (f"the labels are those of the column {label}",))


def class_names(path: Path, label: str) -> tuple[str, ...] | None:
    """Read the class names from the metadata of files that the `datasets` library wrote."""
    import polars as pl  # noqa: PLC0415

    try:
        names = json.loads(pl.read_parquet_metadata(path)["huggingface"])["info"]["features"][label]["names"]
    # AttributeError: Polars has this experimental function only since 1.31.
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, pl.exceptions.PolarsError):
        return None
    if isinstance(names, list) and len(names) > 1 and all(isinstance(name, str) and name.strip() for name in names):
        return tuple(names)
    return None


def _image(path: Path, schema: Schema) -> str:
    """Return the column of encoded images: the only one, or that of a usual name.

    Raises:
        DataError: there is none, or more than one.
    """
    fitting = [name for name in schema if _is_image(schema[name])]
    known = [name for usual in _IMAGES for name in schema if name.lower() == usual]
    chosen = [name for name in known if name in fitting] or fitting
    if len(fitting) > 1 and chosen == fitting:
        raise DataError(
            f"{path} has {len(fitting)} columns with encoded images: {_shown(fitting)}, and none is named "
            f"{_IMAGES[0]!r}. Rename the column of the images to that, or drop the others."
        )
    if chosen or known:
        return (chosen or known)[0]
    raise DataError(f"{path} has no column {_IMAGES[0]!r}; it has {_shown(schema)}.")


def _label(path: Path, schema: Schema, image: str) -> str:
    """Return the column with the labels: that of a usual name, or the only one of whole numbers.

    Raises:
        DataError: there is none, or more than one.
    """
    others = [name for name in schema if name != image]
    known = [name for usual in _LABELS for name in others if name.lower() == usual]
    whole = [name for name in others if schema[name].is_integer() and not name.lower().endswith("id")]
    if known or len(whole) == 1:
        return (known or whole)[0]
    raise DataError(
        f"{path} has no column {_LABELS[0]!r}; it has {_shown(schema)}. Name the column with the labels as `label=`."
    )


def _require_label(path: Path, name: str, type_: pl.DataType) -> None:
    import polars as pl  # noqa: PLC0415

    if isinstance(type_, (pl.List, pl.Array)):
        raise DataError(
            f"{path}: column {name!r} has lists: multi-label data. Muslin trains networks that choose one class per "
            "image; name another column as `label=`."
        )
    if not _is_label(type_):
        raise DataError(
            f"{path}: column {name!r} has the type {type_!s:.100}; labels are whole numbers or text. Name another "
            "column as `label=`."
        )


def _is_image(type_: pl.DataType) -> bool:
    import polars as pl  # noqa: PLC0415

    return type_ == pl.Binary or (
        isinstance(type_, pl.Struct) and any(each.name == "bytes" and each.dtype == pl.Binary for each in type_.fields)
    )


def _is_label(type_: pl.DataType) -> bool:
    import polars as pl  # noqa: PLC0415

    return type_.is_integer() or type_ in (pl.String, pl.Categorical, pl.Enum, pl.Boolean)


def _names_labels(name: str) -> bool:
    return any(word in name.lower().split("_") for word in _ALSO_LABELS)


def _shown(names: Mapping[str, Any] | list[str]) -> str:
    known = list(names)
    more = ["others"] if len(known) > _NAMED else []
    return f"{listed([repr(name)[:60] for name in known[:_NAMED]] + more)}" if known else "none"
