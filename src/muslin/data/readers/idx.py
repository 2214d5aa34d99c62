"""IDX, the format of MNIST: a magic number, the dimensions, then the values; optionally gzipped.

Layout: http://yann.lecun.com/exdb/mnist/ (bytes 0–1 are zero, byte 2 is the type of the values, byte 3 is the number of
dimensions, followed by each dimension as a big-endian 32-bit number).
"""

from __future__ import annotations

import math
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np

from muslin._words import count
from muslin.data.contents import Contents, Part
from muslin.data.readers._array_names import Kind, SplitName, split_of
from muslin.data.readers._arrays import part_of
from muslin.data.readers._reading import may_unzip_to, unzipped
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

UNSIGNED_BYTE = 0x08
# Types of values by the third byte, in the file's byte order.
_TYPES = {UNSIGNED_BYTE: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

LOOKED_FOR = (
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (optionally .gz)"
)
# Some copies are named `train-images.idx3-ubyte`; those of EMNIST and QMNIST have a prefix.
_NAME = re.compile(
    r"(?P<prefix>.*?)(?P<split>train(?:ing)?|t10k|test(?:ing)?|val(?:id(?:ation)?)?)"
    r"[-_.](?P<what>images|labels)[-_.]idx\d?(?:[-_.]?u?(?:byte|int|short|float))?(?:\.gz)?",
    re.IGNORECASE,
)
_KINDS: tuple[Kind, Kind] = ("images", "labels")
_DIMENSIONS: dict[Kind, tuple[int, ...]] = {"images": (3, 4), "labels": (1, 2)}

Set = dict[tuple[SplitName, Kind], Path]


def found(folder: Path) -> list[Path]:
    """Return the IDX files that exist in a folder."""
    return [path for files in sets(folder).values() for path in files.values()]


def sets(folder: Path) -> dict[str, Set]:
    """Return the files of each set, by the prefix of their names; an unzipped file takes precedence over its `.gz`.

    Raises:
        DataError: two files could be the same part of a set.
    """
    known: dict[str, Set] = {}
    for path in sorted(folder.iterdir(), reverse=True):
        match = _NAME.fullmatch(path.name)
        if not (match and path.is_file()):
            continue
        split = split_of(match["split"])
        assert split is not None  # noqa: S101  (the pattern has its words)
        key: tuple[SplitName, Kind] = split, "images" if match["what"].lower() == "images" else "labels"
        files = known.setdefault(match["prefix"].lower().strip("-_. "), {})
        other = files.get(key)
        if other is not None and other.name.removesuffix(".gz") != path.name.removesuffix(".gz"):
            raise DataError(
                f"{folder} has two files that could be the {split} {key[1]}: {path.name} and {other.name}. Keep one of "
                "them in the folder."
            )
        files[key] = path
    return known


def read(place: Path, reading: Reading = AS_IS) -> Contents:
    """Read the IDX files of a folder, or of the set that a file in it belongs to.

    Raises:
        DataError: if a file is missing, damaged or of the wrong kind, the numbers of images and labels differ, or the
            folder has several sets and none was chosen.
    """
    folder = place if place.is_dir() else place.parent
    known = sets(folder)
    chosen = {
        prefix: files for prefix, files in known.items() if place == folder or place.name in _names(files, folder)
    }
    if len(chosen) > 1:
        first = min(path.name for files in known.values() for path in files.values())
        names = ", ".join(sorted(prefix or "train-…" for prefix in chosen))
        raise DataError(
            f"{folder} contains {len(chosen)} data sets: {names:.300}. Pass one file of the intended data set as "
            f"`path=`, such as {folder / first}."
        )
    files = next(iter(chosen.values()), {})
    wanted: list[tuple[SplitName, Kind]] = [("train", kind) for kind in _KINDS]
    wanted += [(split, "images") for split, kind in files if kind == "labels" and split != "train"]
    wanted += [("validation", "labels")] if ("validation", "images") in files else []
    missing = [f"{split} {kind}" for split, kind in wanted if (split, kind) not in files]
    if missing:
        raise DataError(
            f"{folder} has no file for the {' and the '.join(missing)}. An IDX data set has four files: {LOOKED_FOR}."
        )
    parts: dict[SplitName, Part] = {}
    notes: list[str] = []
    splits: tuple[SplitName, ...] = ("train", "validation", "test")
    for split in splits:
        if (split, "labels") in files:
            parts[split], said = _part(files[split, "images"], files[split, "labels"])
            notes += said
    unlabeled = files[("test", "images")].name if "test" not in parts and ("test", "images") in files else ""
    return Contents(parts["train"], parts.get("test"), parts.get("validation"), notes=tuple(notes), unlabeled=unlabeled)


def _names(files: Set, folder: Path) -> set[str]:
    """Return the names that mean this set: its files, and those of which both versions, zipped and unzipped, exist."""
    plain = {path.name.removesuffix(".gz") for path in files.values()}
    return {name for each in plain for name in (each, f"{each}.gz") if (folder / name).exists()}


def _part(images_path: Path, labels_path: Path) -> tuple[Part, tuple[str, ...]]:
    images = read_values(images_path, *_DIMENSIONS["images"])
    labels = read_values(labels_path, *_DIMENSIONS["labels"])
    if len(images) != len(labels):
        raise DataError(
            f"{images_path.name} contains {count(len(images), 'image')}, but {labels_path.name} contains "
            f"{count(len(labels), 'label')}; the numbers must be equal. Use two files of the same split and data set."
        )
    return part_of(images, labels, (images_path.name, labels_path.name), labels_path.name)


def read_values(path: Path, *dimensions: int) -> np.ndarray[Any, Any]:
    """Read one IDX file.

    Args:
        path: path of the file; gzip is recognized by its content.
        *dimensions: allowed numbers of dimensions: 3 for gray images, 4 for color images, 1 for labels.

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
        if header[2] not in _TYPES or header[3] not in dimensions:
            raise DataError(
                f"{path} has the IDX magic number {header.hex(' ')}, but a file of {_what(dimensions)} has "
                f"00 00 {UNSIGNED_BYTE:02x} {dimensions[0]:02x}. Check that images and labels are not swapped."
            )
        sizes = file.read(4 * header[3])
        if len(sizes) < 4 * header[3]:
            raise DataError(f"{path} is cut off inside its header. Download it again.")
        shape = struct.unpack(f">{header[3]}I", sizes)
        dtype = np.dtype(_TYPES[header[2]])
        declared = math.prod(shape) * dtype.itemsize
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
    # A copy is writable, as torch expects.
    return np.frombuffer(values, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=True)


def _what(dimensions: tuple[int, ...]) -> str:
    return "labels" if dimensions[0] == 1 else "images"
