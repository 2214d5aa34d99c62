"""The shapes of image and label arrays in files: which are read, which are turned, and which are refused by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from muslin._words import count
from muslin.data.contents import Labels, Part
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Num

_CHANNELS = (1, 3)
_NUMERIC, _TEXT = "biuf", "US"
_LARGEST = 2**63 - 1
_EXACT = 2**53  # largest whole number up to which float64 has every one


def part_of(
    images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], names: tuple[str, str], name: str
) -> tuple[Part, tuple[str, ...]]:
    """Join the arrays of one split.

    Args:
        images: pixels as in the file.
        labels: labels as in the file.
        names: names of both arrays in messages.
        name: name of the part.

    Returns:
        The part, and notes on what was done with its arrays.

    Raises:
        DataError: an array has a type or shape that holds no labeled images.
    """
    pixels, turned = images_of(images, names[0])
    classes, found = labels_of(labels, names[1], len(pixels))
    return Part(pixels, classes, name), (*turned, *found)


def check_type(dtype: np.dtype[Any], name: str, *, labels: bool) -> None:
    """Check the type of an array, before it is read.

    Raises:
        DataError: the array holds Python objects, which only a pickle can store, or neither numbers nor text labels.
    """
    if dtype.kind == "O":
        raise DataError(
            f"{name} has values of type object: Python objects in a pickle, which can run code and is never loaded. "
            "Save plain numbers, such as x.astype('uint8') for images of one shape."
        )
    if dtype.kind not in _NUMERIC and not (labels and dtype.kind in _TEXT):
        takes = "numbers or text" if labels else "numbers"
        raise DataError(f"{name} has values of type {dtype}; {'labels' if labels else 'pixels'} are {takes}.")


def images_of(
    values: np.ndarray[Any, Any], name: str
) -> tuple[Num[np.ndarray, "image height width channel"], tuple[str, ...]]:
    """Bring an array of images to (image, height, width, channel), and note what was done.

    Raises:
        DataError: the array holds no images, images of three dimensions, or another number of channels.
    """
    check_type(values.dtype, name, labels=False)
    shape = values.shape
    if 0 in shape or not shape:
        raise DataError(f"{name} is empty (shape {shape}). Write the file again.")
    if values.ndim == 3:
        return values[..., np.newaxis], ()
    if values.ndim == 2 and math.isqrt(shape[1]) ** 2 == shape[1] and shape[1] > 1:
        side = math.isqrt(shape[1])
        return values.reshape(-1, side, side, 1), (f"{name}: rows of {shape[1]:,} pixels, read as {side}×{side}",)
    if values.ndim == 4 and shape[3] in _CHANNELS:
        return values, ()
    if values.ndim == 4 and shape[1] in _CHANNELS:
        turned = f"{name}: the shape {shape} has its channels first; they were moved to the end"
        return np.ascontiguousarray(np.moveaxis(values, 1, 3)), (turned,)
    if values.ndim == 5 or (values.ndim == 4 and shape[3] > 4 and shape[1] > 4):
        raise DataError(
            f"{name} has the shape {shape}: 3-D images. Muslin trains on 2-D images, gray or with three colors; save "
            f"one slice of each image, such as x[:, {shape[1] // 2}]."
        )
    if values.ndim == 4 and 2 <= shape[3] <= 4:
        raise DataError(
            f"{name} has the shape {shape}: {shape[3]} channels. Muslin reads 1 (gray) or 3 (red, green, blue); save "
            f"{'x[..., :3], without transparency' if shape[3] == 4 else 'x[..., :1], the first of them'}."
        )
    raise DataError(
        f"{name} has the shape {shape}; it must be (image, height, width) or (image, height, width, channel), with 1 "
        "or 3 channels. Reshape it."
    )


def labels_of(values: np.ndarray[Any, Any], name: str, images: int) -> tuple[Labels, tuple[str, ...]]:
    """Bring an array of labels to whole numbers or text, shape (image,), and note what was done.

    Raises:
        DataError: the labels are not one per image, or neither whole numbers nor text.
    """
    check_type(values.dtype, name, labels=True)
    notes: tuple[str, ...] = ()
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and values.dtype.kind in _NUMERIC and len(values) == images:
        values, notes = _one_hot(values, name)
    if values.ndim != 1:
        raise DataError(f"{name} has the shape {values.shape}; it must be ({images},), one label per image.")
    if len(values) != images:
        raise DataError(
            f"{count(len(values), 'label')} in {name}, but {count(images, 'image')}; the numbers must be equal. Write "
            "the file again."
        )
    return _plain(values, name), notes


def _one_hot(values: np.ndarray[Any, Any], name: str) -> tuple[np.ndarray[Any, Any], tuple[str, ...]]:
    """Return the column of the only 1 in each row; the others are 0, or −1."""
    ones = (values == 1).sum(axis=1)
    others = (values == 0).sum(axis=1), (values.astype(np.float64) == -1).sum(axis=1)
    columns = values.shape[1]
    plain = bool((ones + others[0] == columns).all()) or bool((ones + others[1] == columns).all())
    odd = np.flatnonzero(ones != 1)
    if plain and not len(odd):
        found: np.ndarray[Any, Any] = np.argmax(values == 1, axis=1)
        return found, (f"{name}: one-hot labels of {columns} classes, read as class numbers 0–{columns - 1}",)
    if plain:
        many = count(int(ones[odd[0]]), "one")
        raise DataError(
            f"{name} has the shape {values.shape}: multi-label data. Row {odd[0] + 1} has {many}, but Muslin trains "
            "networks that choose one class per image. Save one column, such as y[:, 0], to tell that class from all "
            "others."
        )
    raise DataError(
        f"{name} has the shape {values.shape}: {columns} values per image. Labels are one class per image; save the "
        "column with the class, such as y[:, 0]."
    )


def _plain(values: np.ndarray[Any, Any], name: str) -> Labels:
    """Return labels as int64 or text."""
    if values.dtype.kind == "S":
        try:
            values = np.char.decode(values, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{name} has text that is not UTF-8. Save the labels as text or whole numbers.") from error
    if values.dtype.kind == "U":
        values = np.char.strip(values)
        if not (values != "").all():
            raise DataError(f"{name}: label {int(np.argmin(values != '')) + 1} is empty; every image needs a label.")
        return values
    odd = values > np.uint64(_LARGEST) if values.dtype.kind == "u" else np.zeros(len(values), bool)
    if values.dtype.kind == "f":
        odd = ~(np.abs(values) <= _EXACT)
        odd[~odd] = values[~odd] % 1 != 0
    if odd.any():
        raise DataError(f"{name} has labels such as {values[int(np.argmax(odd))]}; labels are whole numbers or text.")
    return values.astype(np.int64)
