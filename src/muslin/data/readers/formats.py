"""Recognition of data formats: the reader for a given path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from muslin._words import listed
from muslin.data.contents import Contents
from muslin.data.readers import archive, cifar, csv_files, idx, image_folder, mat, npy_files, npz, parquet
from muslin.data.readers._layout import clear_layout, find_layout
from muslin.data.readers._tree import tree_of
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError
from muslin.pictures.names import is_picture

_NAMED = 5  # files that a message or a note names
_DEEPEST = 2  # folders between a given folder and its data, as in MNIST/raw/ or plain_text/
_MOST_FOLDERS = 200  # folders that are looked into


@dataclass(frozen=True)
class _Format:
    """A format of data in files that are not pictures.

    Attributes:
        name: its name.
        looked_for: what a folder of it contains.
        found: returns the files of it in a folder.
        read: reads those of a folder, or the set that a file belongs to.
    """

    name: str
    looked_for: str
    found: Callable[[Path], list[Path]]
    read: Callable[[Path, Reading], Contents]


_TABLES = (
    _Format("IDX", idx.LOOKED_FOR, idx.found, idx.read),
    _Format("CSV", csv_files.LOOKED_FOR, csv_files.found, csv_files.read),
    _Format("Parquet", parquet.LOOKED_FOR, parquet.found, parquet.read),
    _Format("NumPy files", npy_files.LOOKED_FOR, npy_files.found, npy_files.read),
    _Format("CIFAR", cifar.LOOKED_FOR, cifar.found, cifar.read),
    _Format("MATLAB files", mat.LOOKED_FOR, mat.found, mat.read),
)


def read(path: Path, reading: Reading = AS_IS) -> Contents:
    """Read a data set in any known format.

    The format of a folder is recognized by its content; the data may be one or two folders further down. The path of a
    single file selects the data set that the file belongs to.

    Args:
        path: folder, .zip archive, or any file of a data set.
        reading: how the files are read (default: `Reading`'s defaults).

    Raises:
        DataError: if the path does not exist, its format is unknown or ambiguous, or the data are invalid.
    """
    try:
        if not path.exists():
            raise DataError(f"{path} does not exist. Check `path=` or the environment variable MUSLIN_DATA.")
        return _read_folder(path, reading) if path.is_dir() else _read_file(path, reading)
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror or error}.") from error


def _read_file(path: Path, reading: Reading) -> Contents:
    kind = path.suffix.lower()
    if kind == ".zip":
        return archive.read(path, reading, lambda folder: _read_folder(folder, reading))
    if csv_files.is_csv(path):
        return csv_files.read(path, reading)
    folders = [path.parent, path.parent.parent] if kind == ".parquet" else [path.parent]
    for each in _TABLES:
        if any(path in each.found(folder) for folder in folders):
            return each.read(path, reading)
    if kind == ".npz":
        return npz.read(path, reading)
    if is_picture(path.name):
        raise DataError(f"{path} is one picture. Pass the folder that contains {image_folder.LOOKED_FOR}.")
    raise _unknown(path)


def _read_folder(folder: Path, reading: Reading) -> Contents:
    """Read the only data set in a folder, or in those below."""
    tables, archives = _tables(folder), _archives(folder)
    if len(tables) + len(archives) > 1:
        names = [each.name for each in tables] + [path.name for path in archives]
        raise DataError(
            f"{folder} contains more than one data set: {', '.join(names):.300}. Pass one file of the intended data "
            "set as `path=`, or move the others away."
        )
    if archives:
        return npz.read(archives[0], reading)
    if all(each.name == "CSV" for each in tables):
        # A table beside folders of images lists them; the folders have the images themselves.
        tree = tree_of(folder)
        layout = clear_layout(tree) if tables else find_layout(tree)
        if layout is not None:
            return image_folder.read_layout(tree, layout, reading)
    if tables:
        return _with_lists_noted(tables[0].read(folder, reading), folder)
    return _read_below(folder, reading)


def _read_below(folder: Path, reading: Reading) -> Contents:
    """Read the only data set in the folders below a folder, or in its only archive."""
    if (name := cifar.python_version(folder)) is not None:
        raise cifar.refuse_pickles(name, folder)
    for below in _levels(folder):
        places = [each for each in below if _tables(each) or _archives(each)]
        if len(places) > 1:
            names = listed([str(place.relative_to(folder)) for place in places[:_NAMED]])
            more = f" and {len(places) - _NAMED} others" if len(places) > _NAMED else ""
            raise DataError(
                f"{folder} contains several folders with data: {names}{more}. Pass the intended one as `path=`, such "
                f"as {places[0]}."
            )
        if places:
            return _read_folder(places[0], reading)
    zipped = sorted(path for path in folder.glob("*.zip") if path.is_file())
    if len(zipped) == 1:
        return _read_file(zipped[0], reading)
    if csv_files.lists(folder):
        return csv_files.read(folder, reading)  # which says what they lack
    raise _unknown(folder)


def _tables(folder: Path) -> list[_Format]:
    return [each for each in _TABLES if each.found(folder)]


def _archives(folder: Path) -> list[Path]:
    """Return the `.npz` files that have all arrays of a set."""
    parts = set(npy_files.found(folder))
    return sorted(path for path in folder.glob("*.npz") if path not in parts)


def _levels(folder: Path) -> Iterator[list[Path]]:
    """Yield the folders one below, then those two below."""
    level = [folder]
    for _ in range(_DEEPEST):
        inside = [path for parent in level for path in sorted(parent.iterdir()) if path.is_dir()]
        level = [path for path in inside if not path.name.startswith((".", "__"))]
        if len(level) > _MOST_FOLDERS:
            return
        yield level


def _unknown(asked: Path) -> DataError:
    return DataError(
        f"{asked} contains no data in a known format. Expected {npz.LOOKED_FOR}; "
        f"{'; '.join(each.looked_for for each in _TABLES)}; {image_folder.LOOKED_FOR}; or {archive.LOOKED_FOR}."
    )


def _with_lists_noted(contents: Contents, folder: Path) -> Contents:
    """Note the CSV files that list images or classes, and were not needed."""
    lists = [path.name for path in csv_files.lists(folder)]
    if not lists or any(part.name in lists for part in contents.parts):
        return contents
    return replace(contents, notes=(*contents.notes, f"without pixels, and not read: {listed(lists[:_NAMED])}"))
