"""IDX, the format of MNIST: a magic number, the dimensions, then the values; gzipped or not.

Layout: http://yann.lecun.com/exdb/mnist/ (bytes 0–1 zero, byte 2 the type of value, byte 3 the number of dimensions,
then each dimension as a big-endian 32-bit number).
"""

from __future__ import annotations

import math
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muslin.data._reading import may_unzip_to, unzipped
from muslin.data.split import Files, Split
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import UInt8

UNSIGNED_BYTE = 0x08
MNIST_CLASSES = 10

LOOKED_FOR = (
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (.gz or not)"
)
# Copies in the wild write `train-images.idx3-ubyte` as well.
_NAME = re.compile(r"(?P<split>train|t10k|test)-(?P<what>images|labels)[-.]idx[13]-ubyte(\.gz)?")
_DIMENSIONS = {"images": 3, "labels": 1}


def found(folder: Path) -> list[Path]:
    """The IDX files in a folder, those that there are."""
    return list(_by_split(folder).values())


def _by_split(folder: Path) -> dict[tuple[str, str], Path]:
    """The files by ("train" or "test", "images" or "labels"); an unzipped one goes before its `.gz`."""
    files: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.iterdir(), reverse=True):
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            files["train" if match["split"] == "train" else "test", match["what"]] = path
    return files


def read(folder: Path) -> Files:
    """Read the four IDX files of a folder.

    Raises:
        DataError: one is missing, damaged or not what its name says, or images and labels differ in number.
    """
    files = _by_split(folder)
    missing = [f"{split} {what}" for split in ("train", "test") for what in _DIMENSIONS if (split, what) not in files]
    if missing:
        raise DataError(
            f"{folder} has no file for the {' and the '.join(missing)}. IDX data are four files: {LOOKED_FOR}."
        )
    train, test = (_split(files[split, "images"], files[split, "labels"]) for split in ("train", "test"))
    return Files(
        train,
        test,
        files["train", "labels"].name,
        files["test", "labels"].name,
        most_classes=MNIST_CLASSES,
    )


def _split(images_path: Path, labels_path: Path) -> Split:
    images, labels = read_values(images_path, _DIMENSIONS["images"]), read_values(labels_path, _DIMENSIONS["labels"])
    if len(images) != len(labels):
        raise DataError(
            f"{images_path.name} holds {len(images):,} images and {labels_path.name} {len(labels):,} labels; the "
            "numbers must be equal. The two files probably belong to different splits or data sets."
        )
    return Split(images[..., np.newaxis], labels.astype(np.int64))


def read_values(path: Path, dimensions: int) -> UInt8[np.ndarray, "..."]:
    """Read one IDX file of unsigned bytes.

    Args:
        path: the file; whether it is gzipped is seen from its content.
        dimensions: how many it must have (3 for images: image, height, width; 1 for labels).

    Raises:
        DataError: it is empty, truncated, over-long, not IDX, of another type or number of dimensions, or a gzip bomb.
    """
    with unzipped(path) as file:
        header = file.read(4)
        if len(header) < 4 or header[:2] != b"\0\0":
            raise DataError(
                f"{path} is not an IDX file: it starts with {header.hex(' ')}, an IDX file with 00 00. Fetch it again."
            )
        if (header[2], header[3]) != (UNSIGNED_BYTE, dimensions):
            raise DataError(
                f"{path} has the IDX magic number {header.hex(' ')}; a file of {_what(dimensions)} has "
                f"00 00 {UNSIGNED_BYTE:02x} {dimensions:02x}. Were images and labels mixed up?"
            )
        sizes = file.read(4 * dimensions)
        if len(sizes) < 4 * dimensions:
            raise DataError(f"{path} is cut off inside its header. Fetch it again.")
        shape = struct.unpack(f">{dimensions}I", sizes)
        declared = math.prod(shape)
        if not declared:
            raise DataError(f"{path} holds nothing: its header says {' × '.join(map(str, shape))}. Fetch it again.")
        may_unzip_to(path, declared)
        values = file.read(declared + 1)  # one more than declared shows an over-long file, and no bomb goes further
    if len(values) != declared:
        more = "more than" if len(values) > declared else f"only {len(values):,} of"
        raise DataError(
            f"{path} holds {more} the {declared:,} bytes that its header declares ({' × '.join(map(str, shape))}). "
            "It is damaged or was cut off while downloading; fetch it again."
        )
    return np.frombuffer(values, np.uint8).reshape(shape).copy()  # a copy may be written to, as torch wants


def _what(dimensions: int) -> str:
    return "images" if dimensions == _DIMENSIONS["images"] else "labels"
