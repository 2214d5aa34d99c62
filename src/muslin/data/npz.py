"""NumPy's `.npz` with `x_train`, `y_train`, `x_test`, `y_test`, as Keras keeps its data sets."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.lib import format as npy

from muslin.data._reading import head, may_unzip_to
from muslin.data.split import Files, Split
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Int64, UInt8

LOOKED_FOR = "one .npz file with x_train, y_train, x_test and y_test"
MEMBERS = ("x_train", "y_train", "x_test", "y_test")


def read(path: Path) -> Files:
    """Read the four arrays of an `.npz` file. Objects (pickles) are never loaded.

    Images are integers 0–255, (image, height, width) or (image, height, width, channel) with 1 or 3 channels; labels
    are integers, (image,) or (image, 1).

    Raises:
        DataError: an array is missing, isn't as above, or claims an absurd size; or the file is damaged.
    """
    head(path)
    try:
        with zipfile.ZipFile(path) as archive:
            missing = [name for name in MEMBERS if f"{name}.npy" not in archive.namelist()]
            if missing:
                raise DataError(
                    f"{path} lacks {', '.join(missing)}; it must hold {', '.join(MEMBERS)}. "
                    f"It holds {', '.join(name.removesuffix('.npy') for name in archive.namelist()) or 'nothing':.300}."
                )
            arrays = {name: _member(path, archive, name) for name in MEMBERS}
    # ValueError: also a member's name that is no text.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise DataError(f"{path} is damaged or not an .npz file: {error!s:.200}. Fetch or write it again.") from error
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}.") from error
    train, test = (
        Split(
            _images(path, f"x_{split}", arrays[f"x_{split}"]),
            _labels(path, f"y_{split}", arrays[f"y_{split}"], len(arrays[f"x_{split}"])),
        )
        for split in ("train", "test")
    )
    return Files(train, test, f"{path.name} (y_train)", f"{path.name} (y_test)")


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """One array, its header checked before anything of that size is allocated."""
    info = archive.getinfo(f"{name}.npy")
    may_unzip_to(path, info.file_size, info.compress_size)
    try:
        with archive.open(info) as file:
            shape, dtype = _header(file)
            if dtype.kind == "f":
                raise DataError(
                    f"{path}: {name} holds values of type {dtype}; Muslin reads whole numbers (pixels 0–255, labels "
                    "from 0). If pixels lie in 0–1, multiply them by 255, round, and save as uint8."
                )
            if dtype.kind not in "iu":
                raise DataError(
                    f"{path}: {name} holds values of type {dtype}; Muslin reads whole numbers (pixels 0–255, labels "
                    "from 0). Save them as uint8."
                )
            if len(shape) == 0 or math.prod(shape) == 0:
                raise DataError(f"{path}: {name} is empty (shape {shape}).")
            if math.prod(shape) * dtype.itemsize > info.file_size:
                raise DataError(
                    f"{path}: {name} claims the shape {shape}, {math.prod(shape) * dtype.itemsize:,} bytes, but takes "
                    f"{info.file_size:,}. The file is damaged; write it again."
                )
        with archive.open(info) as file:
            values: np.ndarray = npy.read_array(file, allow_pickle=False)
            return values
    except ValueError as error:
        raise DataError(f"{path}: {name} is not a NumPy array that can be read: {error!s:.200}.") from error


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
            f"{path}: {name} has the shape {images.shape}; it must be (images, height, width) or (images, height, "
            "width, channels) with 1 or 3 channels, channels last."
        )
    low, high = images.min(), images.max()
    if low < 0 or high > 255:
        raise DataError(f"{path}: {name} holds pixels from {low} to {high}; they must lie in 0–255.")
    return np.ascontiguousarray(images, dtype=np.uint8)


def _labels(path: Path, name: str, labels: np.ndarray, images: int) -> Int64[np.ndarray, " image"]:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(
            f"{path}: {name} has the shape {labels.shape}; it must be one label for each image, ({images},)."
        )
    if len(labels) != images:
        raise DataError(f"{path}: {images:,} images but {len(labels):,} labels in {name}; the numbers must be equal.")
    return labels.astype(np.int64)
