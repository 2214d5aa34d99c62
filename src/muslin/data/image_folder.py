"""A folder of images: train/<class>/* and test/<class>/*, with folders named after the classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from muslin.data.contents import Contents, Part
from muslin.data.images import decode
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

SPLITS = ("train", "test")
NOT_IMAGES = ("thumbs.db", "desktop.ini")  # files that Windows creates in folders of pictures
SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
)  # of images
LOOKED_FOR = "folders train/ and test/ with a folder of images for each class"


def found(folder: Path) -> list[Path]:
    """Return the folders train/ and test/, if they exist."""
    return [folder / name for name in SPLITS if (folder / name).is_dir()]


def unsplit_classes(folder: Path) -> list[str]:
    """Return the names of the image folders directly in `folder`, or nothing if there are fewer than two."""
    classes = [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_dir() and any(file.suffix.lower() in SUFFIXES for file in path.iterdir())
    ]
    return classes if len(classes) > 1 else []


def read(folder: Path, _reading: Reading = AS_IS) -> Contents:
    """Read train/<class>/* and test/<class>/*.

    Classes are numbered in the order of their names. Hidden files are ignored.

    Raises:
        DataError: if a folder is missing or empty, test/ has a class that train/ does not have, or an image cannot be
            used.
    """
    folders = [folder / name for name in SPLITS]
    for each in folders:
        if not each.is_dir():
            raise DataError(
                f"{folder} has no folder {each.name}/. Expected {LOOKED_FOR}; validation images are drawn from train/."
            )
    classes, tested = (_visible_folders(each) for each in folders)
    if not classes:
        raise DataError(
            f"{folders[0]} contains no folders. Create a folder for each class, with the images of that class."
        )
    strange = sorted(set(tested) - set(classes))
    if strange:
        raise DataError(
            f"{folders[1]} has the class {strange[0]!r}, which {folders[0]} does not have; every class needs training "
            f"images. The training classes are {', '.join(classes)}."
        )
    train, test = (_part(each, classes) for each in folders)
    return Contents(train, test)


def _part(folder: Path, classes: list[str]) -> Part:
    paths: list[Path] = []
    labels: list[str] = []
    for name in classes:
        images = _visible_files(folder / name)
        paths += images
        labels += [name] * len(images)
    if not paths:
        raise DataError(f"{folder} contains no images. Expected {LOOKED_FOR}.")
    items = tuple(path.relative_to(folder).as_posix() for path in paths)
    return Part(decode(paths, lambda index: str(paths[index])), np.array(labels), str(folder), items)


def _visible_folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _visible_files(folder: Path) -> list[Path]:
    if not folder.is_dir():  # a class may have no test images
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and not _hidden(path.name))


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in NOT_IMAGES
