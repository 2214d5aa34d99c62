"""Recognition of data formats: the reader for a given path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from muslin._words import listed
from muslin.data import archive, csv_files, idx, image_folder, npz, parquet
from muslin.data._layout import clear_layout, find_layout
from muslin.data._tree import tree_of
from muslin.data.contents import Contents
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError
from muslin.pictures.names import is_picture

_NAMED = 5  # files that a note names


@dataclass(frozen=True)
class _Format:
    name: str
    looked_for: str
    found: Callable[[Path], list[Path]]
    read: Callable[[Path, Reading], Contents]


_TABLES = (
    _Format("IDX", idx.LOOKED_FOR, idx.found, idx.read),
    _Format("CSV", csv_files.LOOKED_FOR, csv_files.found, csv_files.read),
    _Format("Parquet", parquet.LOOKED_FOR, parquet.found, parquet.read),
)


def read(path: Path, reading: Reading = AS_IS) -> Contents:
    """Read a data set in any known format.

    The format of a folder is recognized by its content. The path of a single file selects the data set in the same
    folder that the file belongs to.

    Args:
        path: folder, .zip archive, .npz file, or any file of a data set.
        reading: how the files are read (default: `Reading`'s defaults).

    Raises:
        DataError: if the path does not exist, its format is unknown or ambiguous, or the data are invalid.
    """
    try:
        if not path.exists():
            raise DataError(f"{path} does not exist. Check `path=` or the environment variable MUSLIN_DATA.")
        if path.is_dir():
            return _read_folder(path, path, reading)
        if path.suffix.lower() == ".npz":
            return npz.read(path, reading)
        if path.suffix.lower() == ".zip":
            return archive.read(path, reading, lambda folder: _read_folder(folder, folder, reading))
        return _read_folder(path.parent, path, reading)
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror or error}.") from error


def _read_folder(folder: Path, asked: Path, reading: Reading) -> Contents:
    """Read the only data set in a folder, or the one that the file `asked` belongs to."""
    if asked != folder and csv_files.is_csv(asked):
        return csv_files.read(asked, reading)
    candidates = [each for each in _TABLES if (asked in each.found(folder) if asked != folder else each.found(folder))]
    archives = sorted(folder.glob("*.npz")) if asked == folder else []
    if len(candidates) + len(archives) > 1:
        names = [each.name for each in candidates] + [archive.name for archive in archives]
        raise DataError(
            f"{folder} contains more than one data set: {', '.join(names)}. Pass one file of the intended data set as "
            "`path=`, or move the others away."
        )
    if asked == folder and all(each.name == "CSV" for each in candidates) and not archives:
        # A table beside folders of images lists them; the folders have the images themselves.
        tree = tree_of(folder)
        layout = clear_layout(tree) if candidates else find_layout(tree)
        if layout is not None:
            return image_folder.read_layout(tree, layout, reading)
    if archives:
        return npz.read(archives[0], reading)
    if candidates:
        return _with_lists_noted(candidates[0].read(folder, reading), folder)
    zipped = sorted(path for path in folder.glob("*.zip") if path.is_file()) if asked == folder else []
    if len(zipped) == 1:
        return archive.read(zipped[0], reading, lambda inside: _read_folder(inside, inside, reading))
    if is_picture(asked.name):
        raise DataError(f"{asked} is one picture. Pass the folder that contains {image_folder.LOOKED_FOR}.")
    if csv_files.lists(folder):
        return csv_files.read(folder, reading)  # which says what they lack
    raise DataError(
        f"{asked} contains no data in a known format. Expected {npz.LOOKED_FOR}; "
        f"{'; '.join(each.looked_for for each in _TABLES)}; {image_folder.LOOKED_FOR}; or {archive.LOOKED_FOR}."
    )


def _with_lists_noted(contents: Contents, folder: Path) -> Contents:
    """Note the CSV files that list images or classes, and were not needed."""
    lists = [path.name for path in csv_files.lists(folder)]
    if not lists or any(part.name in lists for part in contents.parts):
        return contents
    return replace(contents, notes=(*contents.notes, f"without pixels, and not read: {listed(lists[:_NAMED])}"))
