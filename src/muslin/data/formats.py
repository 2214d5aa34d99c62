"""From a path that a person gave to the reader that understands it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from muslin.data import csv_pair, idx, image_folder, npz, parquet
from muslin.data.split import Files
from muslin.errors import DataError


@dataclass(frozen=True)
class _Format:
    name: str
    looked_for: str
    found: Callable[[Path], list[Path]]
    read: Callable[[Path], Files]


_FOLDERS = (
    _Format("IDX", idx.LOOKED_FOR, idx.found, idx.read),
    _Format("CSV", csv_pair.LOOKED_FOR, csv_pair.found, csv_pair.read),
    _Format("Parquet", parquet.LOOKED_FOR, parquet.found, parquet.read),
    _Format("images in folders", image_folder.LOOKED_FOR, image_folder.found, image_folder.read),
)


def read(path: Path) -> Files:
    """Read the data at `path`, in whatever of the known formats they are.

    A folder is told by what is in it. A path to one of the files of a format means that format in the file's folder.

    Raises:
        DataError: nothing there is known, more than one format is, or the reader found something wrong.
    """
    try:
        if not path.exists():
            raise DataError(f"{path} doesn't exist. Check the path given with --data or MUSLIN_DATA.")
        if path.is_dir():
            return _read_folder(path, path)
        if path.suffix.lower() == ".npz":
            return npz.read(path)
        return _read_folder(path.parent, path)
    except OSError as error:
        raise DataError(f"{error.filename or path} can't be read: {error.strerror or error}.") from error


def _read_folder(folder: Path, asked: Path) -> Files:
    """Read the one data set in `folder`, or the one there that the file `asked` is a part of."""
    candidates = [each for each in _FOLDERS if (asked in each.found(folder) if asked != folder else each.found(folder))]
    archives = sorted(folder.glob("*.npz")) if asked == folder else []
    if len(candidates) + len(archives) > 1:
        names = [each.name for each in candidates] + [archive.name for archive in archives]
        raise DataError(
            f"{folder} holds more than one data set: {', '.join(names)}. Point --data at one file of the set that you "
            "mean, or move the others away."
        )
    if archives:
        return npz.read(archives[0])
    if candidates:
        return candidates[0].read(folder)
    classes = image_folder.unsplit_classes(folder) if asked == folder else []
    if classes:
        raise DataError(
            f"{folder} holds images in folders ({', '.join(classes):.100}), but not which of them are for training and "
            f"which for testing. Move some of each class, a sixth perhaps, to {folder}/test/CLASS/, the others to "
            f"{folder}/train/CLASS/; validation images are taken from those for training."
        )
    raise DataError(
        f"{asked} holds no data that Muslin knows. Looked for: {npz.LOOKED_FOR}; "
        f"{'; '.join(each.looked_for for each in _FOLDERS)}."
    )
