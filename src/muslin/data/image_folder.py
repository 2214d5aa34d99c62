"""A folder of images: train/<class>/* and test/<class>/*; the folders' names are the classes' names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from muslin.data.images import decode
from muslin.data.split import Files, Split
from muslin.errors import DataError

SPLITS = ("train", "test")
NOT_IMAGES = ("thumbs.db", "desktop.ini")  # what Windows leaves in folders of pictures
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")  # by which folders of images are told
LOOKED_FOR = "folders train/ and test/ with a folder of images for each class"


def found(folder: Path) -> list[Path]:
    """The folders train/ and test/, those that there are."""
    return [folder / name for name in SPLITS if (folder / name).is_dir()]


def unsplit_classes(folder: Path) -> list[str]:
    """The folders of images right in `folder`, as other programs want them; none if there are fewer than two."""
    classes = [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_dir() and any(file.suffix.lower() in SUFFIXES for file in path.iterdir())
    ]
    return classes if len(classes) > 1 else []


def read(folder: Path) -> Files:
    """Read train/<class>/* and test/<class>/*.

    Classes are numbered in the order of their names; hidden files are left out.

    Raises:
        DataError: a folder is missing or empty, the classes of train and test differ, or an image can't be used.
    """
    folders = [folder / name for name in SPLITS]
    for each in folders:
        if not each.is_dir():
            raise DataError(
                f"{folder} has no folder {each.name}/. Looked for {LOOKED_FOR}; validation images are taken from "
                "those in train/."
            )
    classes, tested = (_visible_folders(each) for each in folders)
    if not classes:
        raise DataError(
            f"{folders[0]} has no folders; it needs one for each class, with the images of that class in it."
        )
    strange = sorted(set(tested) - set(classes))
    if strange:
        raise DataError(
            f"{folders[1]} has the class {strange[0]!r}, {folders[0]} hasn't; a network can't know a class that it was "
            f"never shown. The training classes are {', '.join(classes)}."
        )
    train, test = (_split(each, classes) for each in folders)
    return Files(train, test, str(folders[0]), str(folders[1]), tuple(classes))


def _split(folder: Path, classes: list[str]) -> Split:
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        images = _visible_files(folder / name)
        paths += images
        labels += [label] * len(images)
    if not paths:
        raise DataError(f"{folder} has no images. Looked for {LOOKED_FOR}.")
    return Split(decode(paths, lambda index: str(paths[index])), np.array(labels, np.int64))


def _visible_folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _visible_files(folder: Path) -> list[Path]:
    if not folder.is_dir():  # a class may lack test images
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and not _hidden(path.name))


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in NOT_IMAGES
