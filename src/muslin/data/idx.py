"""IDX, the format of MNIST: a magic number, the dimensions, then the values; optionally gzipped.

Layout: http://yann.lecun.com/exdb/mnist/ (bytes 0–1 are zero, byte 2 is the type of the values, byte 3 is the number of
dimensions, followed by each dimension as a big-endian 32-bit number).
"""

from __future__ import annotations

import math
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muslin._words import count
from muslin.data._reading import may_unzip_to, unzipped
from muslin.data.contents import Contents, Part
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import UInt8

UNSIGNED_BYTE = 0x08

LOOKED_FOR = (
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (optionally .gz)"
)
# Some copies are named `train-images.idx3-ubyte`.
_NAME = re.compile(r"(?P<split>train|t10k|test)-(?P<what>images|labels)[-.]idx[13]-ubyte(\.gz)?")
_DIMENSIONS = {"images": 3, "labels": 1}


def found(folder: Path) -> list[Path]:
    """Return the IDX files that exist in a folder."""
    return list(_by_split(folder).values())


def _by_split(folder: Path) -> dict[tuple[str, str], Path]:
    """Find the files by ("train" or "test", "images" or "labels"); an unzipped file takes precedence over its `.gz`."""
    files: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.iterdir(), reverse=True):
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            files["train" if match["split"] == "train" else "test", match["what"]] = path
    return files


def read(folder: Path, _reading: Reading = AS_IS) -> Contents:
    """Read the four IDX files of a folder.

    Raises:
        DataError: if a file is missing, damaged or of the wrong kind, or the numbers of images and labels differ.
    """
    files = _by_split(folder)
    missing = [f"{split} {what}" for split in ("train", "test") for what in _DIMENSIONS if (split, what) not in files]
    if missing:
        raise DataError(
            f"{folder} has no file for the {' and the '.join(missing)}. An IDX data set has four files: {LOOKED_FOR}."
        )
    train, test = (_part(files[split, "images"], files[split, "labels"]) for split in ("train", "test"))
    return Contents(train, test)


def _part(images_path: Path, labels_path: Path) -> Part:
    images, labels = read_values(images_path, _DIMENSIONS["images"]), read_values(labels_path, _DIMENSIONS["labels"])
    if len(images) != len(labels):
        raise DataError(
            f"{images_path.name} contains {count(len(images), 'image')}, but {labels_path.name} contains "
            f"{count(len(labels), 'label')}; the numbers must be equal. Use two files of the same split and data set."
        )
    return Part(images[..., np.newaxis], labels.astype(np.int64), labels_path.name)


def read_values(path: Path, dimensions: int) -> UInt8[np.ndarray, "..."]:
    """Read one IDX file of unsigned bytes.

    Args:
        path: path of the file; gzip is recognized by its content.
        dimensions: expected number of dimensions: 3 for images (image, height, width), 1 for labels.

    Raises:
        DataError: if the file is empty, truncated, too long, not IDX, of another type or number of dimensions, or a
            gzip bomb.
    """
    with unzipped(path) as file:
        header = file.read(4)
        if len(header) < 4 or header[:2] != b"\0\0":
            raise DataError(
                f"{path} is not an IDX file: it starts with {header.hex(' ')} instead of 00 00. Download it again."
            )
        if (header[2], header[3]) != (UNSIGNED_BYTE, dimensions):
            raise DataError(
                f"{path} has the IDX magic number {header.hex(' ')}, but a file of {_what(dimensions)} has "
                f"00 00 {UNSIGNED_BYTE:02x} {dimensions:02x}. Check that images and labels are not swapped."
            )
        sizes = file.read(4 * dimensions)
        if len(sizes) < 4 * dimensions:
            raise DataError(f"{path} is cut off inside its header. Download it again.")
        shape = struct.unpack(f">{dimensions}I", sizes)
        declared = math.prod(shape)
        if not declared:
            raise DataError(
                f"{path} contains no values: its header declares {' × '.join(map(str, shape))}. Download it again."
            )
        may_unzip_to(path, declared)
        values = file.read(declared + 1)  # the extra byte detects a file that is too long, without reading it all
    if len(values) != declared:
        more = "more than" if len(values) > declared else f"only {len(values):,} of"
        raise DataError(
            f"{path} contains {more} the {declared:,} bytes that its header declares ({' × '.join(map(str, shape))}). "
            "The file is damaged, or the download was incomplete; download it again."
        )
    return np.frombuffer(values, np.uint8).reshape(shape).copy()  # a copy is writable, as torch expects


def _what(dimensions: int) -> str:
    return "images" if dimensions == _DIMENSIONS["images"] else "labels"
