"""A folder of NumPy files with one array each: x_train.npy, y_train.npy, …, or kmnist-train-imgs.npz and the like."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from muslin.data.contents import Contents
from muslin.data.readers import npz
from muslin.data.readers._array_names import Kind, role
from muslin.data.readers._npy import read_array
from muslin.data.readers._reading import MOST_BYTES, may_unzip_to, refuse_impostor, refuse_oversize
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

LOOKED_FOR = "x_train.npy, y_train.npy, x_test.npy and y_test.npy"
_SUFFIXES = (".npy", ".npz")
_UNNAMED = "arr_0"  # the name that `numpy.savez` gives to an array without one


def sets(folder: Path) -> dict[str, dict[str, Path]]:
    """Return the files by the prefix of their names, and by their names without suffix."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _SUFFIXES and path.is_file() and (what := role(path.stem)) is not None:
            if path.suffix.lower() == ".npz" and not _single(path):
                continue
            found.setdefault(what.prefix, {})[path.stem] = path
    return {prefix: files for prefix, files in found.items() if len(files) > 1}


def found(folder: Path) -> list[Path]:
    """Return the files with one array each that exist in a folder."""
    return [path for files in sets(folder).values() for path in files.values()]


def read(place: Path, _reading: Reading = AS_IS) -> Contents:
    """Read the arrays of a folder, or of the set that a file in it belongs to.

    Raises:
        DataError: as `npz.read`, or the folder has several sets and none was chosen.
    """
    folder = place if place.is_dir() else place.parent
    known = sets(folder)
    chosen = [files for files in known.values() if place == folder or place in files.values()]
    if len(chosen) > 1:
        names = ", ".join(min(path.name for path in files.values()) for files in chosen)
        raise DataError(
            f"{folder} contains {len(chosen)} sets of NumPy files, such as {names:.300}. Pass one file of the intended "
            "set as `path=`."
        )
    if not chosen:
        raise DataError(
            f"{place} is one array. Expected {LOOKED_FOR} in one folder, or pass an .npz file with all of them."
        )
    files = chosen[0]

    def load(name: str, kind: Kind) -> np.ndarray[Any, Any]:
        return _array(files[name], labels=kind == "labels")

    return npz.joined(files, load, folder.name, str(folder))


def _array(path: Path, *, labels: bool) -> np.ndarray[Any, Any]:
    refuse_oversize(path)
    if path.suffix.lower() == ".npy":
        refuse_impostor(path)
        size = path.stat().st_size
        may_unzip_to(path, size)
        return read_array(lambda: path.open("rb"), size, str(path), labels=labels)
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(f"{_UNNAMED}.npy")
            may_unzip_to(path, info.file_size, info.compress_size)
            return read_array(lambda: archive.open(info), info.file_size, f"{path}: {_UNNAMED}", labels=labels)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, KeyError) as error:
        raise DataError(f"{path} is damaged or not an .npz file: {error!s:.200}. Download it again.") from error


def _single(path: Path) -> bool:
    """Whether an archive has exactly one array, without a name."""
    if path.stat().st_size > MOST_BYTES:
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist() == [f"{_UNNAMED}.npy"]
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        return False
