"""A .zip archive: folders of images are read in place; a few tables or arrays go through a temporary folder."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from muslin.data.contents import Contents
from muslin.data.readers import image_folder
from muslin.data.readers._layout import clear_layout, find_layout
from muslin.data.readers._reading import MOST_BYTES
from muslin.data.readers._tree import Member, Tree, tree_of_zip
from muslin.data.reading import Reading
from muslin.errors import DataError

LOOKED_FOR = "a .zip archive of any of these"
_TABLES = re.compile(r"\w[\w .()-]*(\.(csv|tsv|npz|npy|parquet|mat|bin|gz)|ubyte)", re.IGNORECASE)
_LONGEST_NAME = 200


def read(path: Path, reading: Reading, read_folder: Callable[[Path], Contents]) -> Contents:
    """Read the data set in a .zip archive.

    No file gets its name and place from the archive: members with tables are copied under their last names, which may
    have no separators, into a new folder.

    Args:
        path: the archive.
        reading: how the files are read.
        read_folder: reader of a folder with IDX, CSV, Parquet or .npz files.

    Raises:
        DataError: the archive cannot be read, or has no data.
    """
    with tree_of_zip(path) as tree:
        tables = _tables(tree)
        layout = clear_layout(tree) if tables else find_layout(tree)
        if layout is not None:
            return image_folder.read_layout(tree, layout, reading)
        if not tables:
            raise DataError(
                f"{path} contains no data in a known format. It needs {image_folder.LOOKED_FOR}, or IDX, CSV, Parquet "
                f"or .npz files; it has {_content(tree)}."
            )
        with tempfile.TemporaryDirectory(prefix="muslin-") as name:
            folder = Path(name)
            for each, member in tables.items():
                (folder / each).write_bytes(_content_of(path, each, member))
            return _read_copy(path, folder, read_folder)


def _read_copy(path: Path, folder: Path, read_folder: Callable[[Path], Contents]) -> Contents:
    def told(text: str) -> str:
        return text.replace(str(folder), str(path))

    try:
        contents = read_folder(folder)
    except DataError as error:
        raise DataError(told(str(error))) from error
    train, test, validation = (
        part and replace(part, name=told(part.name)) for part in (contents.train, contents.test, contents.validation)
    )
    notes = tuple(map(told, contents.notes))
    return replace(contents, train=train or contents.train, test=test, validation=validation, notes=notes)


def _tables(tree: Tree) -> dict[str, Member]:
    """Return the tables of the folder nearest to the top that has some."""
    level = [tree]
    while level:
        for each in level:
            found = {
                name: file
                for name, file in each.files.items()
                if isinstance(file, Member) and len(name) <= _LONGEST_NAME and _TABLES.fullmatch(name)
            }
            if found:
                return found
        level = [each.folders[name] for each in level for name in sorted(each.folders)]
    return {}


def _content_of(path: Path, name: str, member: Member) -> bytes:
    try:
        return member.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path}: {name} is {error}. Download it again.") from error


def _content(tree: Tree) -> str:
    names = [name for name, _ in zip((name for _, name, _ in tree.walk()), range(4), strict=False)]
    return f"{', '.join(names[:3])}{', …' if len(names) > 3 else ''}" if names else "no files"
