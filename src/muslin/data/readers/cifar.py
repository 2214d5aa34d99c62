"""The binary versions of CIFAR-10 and CIFAR-100: rows of one or two label bytes and 3,072 bytes of pixels.

Layout: https://www.cs.toronto.edu/~kriz/cifar.html (a row has the label, or the coarse and the fine label, then 1,024
bytes for each of red, green and blue, each 32×32 in row order).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from muslin._words import listed
from muslin.data.contents import Contents, Part
from muslin.data.readers._reading import head, refuse_impostor, refuse_oversize
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

LOOKED_FOR = (
    "data_batch_1.bin to data_batch_5.bin and test_batch.bin, or train.bin and test.bin (CIFAR, binary version)"
)
_BATCH = re.compile(r"data_batch_(\d{1,3})\.bin")
_PIXELS = (3, 32, 32)
_PIXEL_BYTES = 3 * 32 * 32
_TEN, _HUNDRED = "test_batch.bin", "test.bin"
_PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"(dp")
_LONGEST_NAMES = 2**16  # bytes


def found(folder: Path) -> list[Path]:
    """Return the files of the binary version that exist in a folder."""
    ten = sorted(path for path in folder.glob("*.bin") if _BATCH.fullmatch(path.name) or path.name == _TEN)
    hundred = [folder / "train.bin", folder / _HUNDRED]
    return ten or (hundred if all(path.is_file() for path in hundred) else [])


def python_version(folder: Path) -> str | None:
    """Return the name of the data set whose version for Python, pickles, is in a folder or one below; else None."""
    for place in (folder, folder / "cifar-10-batches-py", folder / "cifar-100-python"):
        for first, name in (("data_batch_1", "CIFAR-10"), ("train", "CIFAR-100")):
            path = place / first
            if path.is_file() and head(path, 3).startswith(_PICKLE_STARTS):
                return name
    return None


def refuse_pickles(name: str, place: Path) -> DataError:
    """Return the error for the version for Python."""
    short = name.lower().replace("-", "")
    direct = ', or pass `path="cifar10"` to have it fetched' if short == "cifar10" else ""
    return DataError(
        f"{place} is the Python version of {name}: pickles, which can run code and are never loaded. Download the "
        f"binary version, {name.lower()}-binary.tar.gz, from the same page{direct}."
    )


def read(place: Path, reading: Reading = AS_IS) -> Contents:
    """Read the binary version in a folder, or that which a file in it belongs to.

    CIFAR-100 has coarse and fine labels; `reading.label` chooses "coarse" (default: the fine ones).

    Raises:
        DataError: a file is missing, or its size is not that of whole rows.
    """
    folder = place if place.is_dir() else place.parent
    files = found(folder)
    batches = {int(match[1]): path for path in files if (match := _BATCH.fullmatch(path.name))}
    if not batches and files and files[0].name != _TEN:
        return _hundred(folder, reading)
    absent = [f"data_batch_{number}.bin" for number in range(1, max(batches, default=1) + 1) if number not in batches]
    if absent:
        raise DataError(f"{folder} has no {listed(absent)}. Expected {LOOKED_FOR}; unpack the archive again.")
    rows = np.concatenate([_rows(batches[number], 1) for number in sorted(batches)])
    test = folder / _TEN
    return Contents(
        _part(rows, 0, batches[1].name),
        _part(_rows(test, 1), 0, test.name) if test.is_file() else None,
        class_names=_names(folder / "batches.meta.txt"),
    )


def _hundred(folder: Path, reading: Reading) -> Contents:
    wanted = (reading.label or "fine").lower().removesuffix("_label").removesuffix("_labels")
    if wanted not in ("coarse", "fine"):
        raise DataError(f'`label={reading.label!r}` is not a label of CIFAR-100, which has "coarse" and "fine" ones.')
    column = ("coarse", "fine").index(wanted)
    train, test = (_part(_rows(folder / name, 2), column, name) for name in ("train.bin", _HUNDRED))
    other = "coarse" if wanted == "fine" else "fine"
    return Contents(
        train,
        test,
        class_names=_names(folder / f"{wanted}_label_names.txt"),
        notes=(f'the labels are the {wanted} ones; `label="{other}"` reads the {other} ones',),
    )


def _rows(path: Path, labels: int) -> np.ndarray:
    refuse_impostor(path)
    refuse_oversize(path)
    length = labels + _PIXEL_BYTES
    size = path.stat().st_size
    if size % length:
        name = "CIFAR-10" if labels == 1 else "CIFAR-100"
        raise DataError(
            f"{path} has {size:,} bytes, which is not a multiple of {length:,}, the size of one image with its "
            f"{'label' if labels == 1 else 'labels'}. It is cut off, or not of {name}; download it again."
        )
    return np.fromfile(path, np.uint8).reshape(-1, length)


def _part(rows: np.ndarray, column: int, name: str) -> Part:
    pixels = rows[:, rows.shape[1] - _PIXEL_BYTES :].reshape(-1, *_PIXELS)
    return Part(np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)), rows[:, column].astype(np.int64), name)


def _names(path: Path) -> tuple[str, ...] | None:
    """Read one class name per line, if the file is there."""
    try:
        with path.open("rb") as file:
            lines: Sequence[str] = file.read(_LONGEST_NAMES).decode().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    names = tuple(line.strip() for line in lines if line.strip())
    return names if len(names) > 1 else None
