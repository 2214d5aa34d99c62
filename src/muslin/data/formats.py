"""Recognition of data formats: the reader for a given path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from muslin._words import listed
from muslin.data import cifar, csv_pair, idx, image_folder, mat, npy_files, npz, parquet
from muslin.data.contents import Contents
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

_DEEPEST = 2  # folders between a given folder and its data, as in MNIST/raw/ or plain_text/
_MOST_FOLDERS = 200  # folders that are looked into


@dataclass(frozen=True)
class _Format:
    """A format of data.

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


_FOLDERS = (
    _Format("IDX", idx.LOOKED_FOR, idx.found, idx.read),
    _Format("CSV", csv_pair.LOOKED_FOR, csv_pair.found, lambda place, how: csv_pair.read(_folder(place), how)),
    _Format("Parquet", parquet.LOOKED_FOR, parquet.found, parquet.read),
    _Format("NumPy files", npy_files.LOOKED_FOR, npy_files.found, npy_files.read),
    _Format("CIFAR", cifar.LOOKED_FOR, cifar.found, cifar.read),
    _Format("MATLAB files", mat.LOOKED_FOR, mat.found, mat.read),
    _Format("images in folders", image_folder.LOOKED_FOR, image_folder.found, image_folder.read),
)


def read(path: Path, reading: Reading = AS_IS) -> Contents:
    """Read a data set in any known format.

    The format of a folder is recognized by its content; the data may be one or two folders further down. The path of a
    single file selects the data set that the file belongs to.

    Args:
        path: folder, or any file of a data set.
        reading: how the files are read (default: `Reading`'s defaults).

    Raises:
        DataError: if the path does not exist, its format is unknown or ambiguous, or the data are invalid.
    """
    try:
        if not path.exists():
            raise DataError(f"{path} does not exist. Check `path=` or the environment variable MUSLIN_DATA.")
        if path.is_dir():
            return _read_folder(path, reading)
        return _read_file(path, reading)
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror or error}.") from error


def _read_file(path: Path, reading: Reading) -> Contents:
    folders = [path.parent, path.parent.parent] if path.suffix.lower() == ".parquet" else [path.parent]
    candidates = [each for each in _FOLDERS if any(path in each.found(folder) for folder in folders)]
    if candidates:
        return candidates[0].read(path, reading)
    if path.suffix.lower() == ".npz":
        return npz.read(path, reading)
    raise _unknown(path)


def _read_folder(folder: Path, reading: Reading) -> Contents:
    """Read the only data set in a folder, or in those below."""
    if _holds(folder):
        return _read_only(folder, reading)
    if (name := cifar.python_version(folder)) is not None:
        raise cifar.refuse_pickles(name, folder)
    for below in _levels(folder):
        places = [each for each in below if _holds(each)]
        if len(places) > 1:
            names = listed([str(place.relative_to(folder)) for place in places[:5]])
            more = f" and {len(places) - 5} others" if len(places) > 5 else ""
            raise DataError(
                f"{folder} contains several folders with data: {names}{more}. Pass the intended one as `path=`, such "
                f"as {places[0]}."
            )
        if places:
            return _read_only(places[0], reading)
    classes = image_folder.unsplit_classes(folder)
    if classes:
        raise DataError(
            f"{folder} contains folders of images ({', '.join(classes):.100}), but no split into training and test "
            f"images. Move about a sixth of each class to {folder}/test/CLASS/ and the rest to {folder}/train/CLASS/. "
            "Validation images are drawn from the training images."
        )
    raise _unknown(folder)


def _read_only(folder: Path, reading: Reading) -> Contents:
    """Read the only data set in a folder itself."""
    candidates, archives = _candidates(folder), _archives(folder)
    if len(candidates) + len(archives) > 1:
        names = [each.name for each in candidates] + [archive.name for archive in archives]
        raise DataError(
            f"{folder} contains more than one data set: {', '.join(names):.300}. Pass one file of the intended data "
            "set as `path=`, or move the others away."
        )
    return npz.read(archives[0], reading) if archives else candidates[0].read(folder, reading)


def _holds(folder: Path) -> bool:
    return bool(_candidates(folder) or _archives(folder))


def _candidates(folder: Path) -> list[_Format]:
    found = [each for each in _FOLDERS if each.found(folder)]
    if len(found) == 2 and found[0].read is parquet.read and found[1].read is image_folder.read:
        inside = {path.parent for path in parquet.found(folder)}
        return found[:1] if set(image_folder.found(folder)) <= inside else found  # train/0000.parquet
    return found


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


def _folder(place: Path) -> Path:
    return place if place.is_dir() else place.parent


def _unknown(asked: Path) -> DataError:
    return DataError(
        f"{asked} contains no data in a known format. Expected {npz.LOOKED_FOR}; "
        f"{'; '.join(each.looked_for for each in _FOLDERS)}."
    )
