"""NumPy's `.npz` format with `x_train`, `y_train`, `x_test` and `y_test`, as in the data sets of Keras."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.lib import format as npy

from muslin._words import count
from muslin.data._reading import head, may_unzip_to
from muslin.data.contents import Contents, Part
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Int64, UInt8

LOOKED_FOR = "one .npz file with x_train, y_train, x_test and y_test"
MEMBERS = ("x_train", "y_train", "x_test", "y_test")


def read(path: Path, _reading: Reading = AS_IS) -> Contents:
    """Read the four arrays of an `.npz` file. Objects (pickles) are never loaded.

    Images are integers 0–255 of shape (image, height, width) or (image, height, width, channel), with 1 or 3 channels.
    Labels are integers of shape (image,) or (image, 1).

    Raises:
        DataError: if the file is damaged, or an array is missing, has another type or shape, or declares an
            implausible size.
    """
    head(path)
    try:
        with zipfile.ZipFile(path) as archive:
            missing = [name for name in MEMBERS if f"{name}.npy" not in archive.namelist()]
            if missing:
                raise DataError(
                    f"{path} has no {', '.join(missing)}; it must contain {', '.join(MEMBERS)}. Its content: "
                    f"{', '.join(name.removesuffix('.npy') for name in archive.namelist()) or 'nothing':.300}."
                )
            arrays = {name: _member(path, archive, name) for name in MEMBERS}
    # ValueError is also raised for a member whose name cannot be decoded.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise DataError(
            f"{path} is damaged or not an .npz file: {error!s:.200}. Download or write it again."
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    train, test = (
        Part(
            _images(path, f"x_{split}", arrays[f"x_{split}"]),
            _labels(path, f"y_{split}", arrays[f"y_{split}"], len(arrays[f"x_{split}"])),
            f"{path.name} (y_{split})",
        )
        for split in ("train", "test")
    )
    return Contents(train, test)


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Read one array, after checking its header before memory of that size is allocated."""
    info = archive.getinfo(f"{name}.npy")
    may_unzip_to(path, info.file_size, info.compress_size)
    try:
        with archive.open(info) as file:
            shape, dtype = _header(file)
            if dtype.kind == "f":
                raise DataError(
                    f"{path}: {name} has values of type {dtype}; they must be whole numbers (pixels 0–255, labels from "
                    "0). If pixels are between 0 and 1, multiply them by 255, round, and save as uint8."
                )
            if dtype.kind not in "iu":
                raise DataError(
                    f"{path}: {name} has values of type {dtype}; they must be whole numbers (pixels 0–255, labels from "
                    "0). Save them as uint8."
                )
            if len(shape) == 0 or math.prod(shape) == 0:
                raise DataError(f"{path}: {name} is empty (shape {shape}). Write the file again.")
            if math.prod(shape) * dtype.itemsize > info.file_size:
                raise DataError(
                    f"{path}: {name} declares the shape {shape}, which is {math.prod(shape) * dtype.itemsize:,} bytes, "
                    f"but contains {info.file_size:,} bytes. The file is damaged; write it again."
                )
        with archive.open(info) as file:
            values: np.ndarray = npy.read_array(file, allow_pickle=False)
            return values
    except ValueError as error:
        raise DataError(f"{path}: {name} is not a valid NumPy array: {error!s:.200}. Write the file again.") from error


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = npy.read_magic(file)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(file)
    return shape, dtype


def _images(path: Path, name: str, images: np.ndarray) -> UInt8[np.ndarray, "image height width channel"]:
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or images.shape[3] not in (1, 3):
        raise DataError(
            f"{path}: {name} has the shape {images.shape}; it must be (image, height, width) or (image, height, width, "
            "channel), with 1 or 3 channels. Reshape it."
        )
    low, high = images.min(), images.max()
    if low < 0 or high > 255:
        raise DataError(
            f"{path}: {name} has pixels from {low} to {high}; they must be between 0 and 255. Rescale them."
        )
    return np.ascontiguousarray(images, dtype=np.uint8)


def _labels(path: Path, name: str, labels: np.ndarray, images: int) -> Int64[np.ndarray, " image"]:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(
            f"{path}: {name} has the shape {labels.shape}; it must be ({images},), one class number per image."
        )
    if len(labels) != images:
        raise DataError(
            f"{path}: {count(len(labels), 'label')} in {name}, but {count(images, 'image')}; the numbers must be "
            "equal. Write the file again."
        )
    return labels.astype(np.int64)
