"""Files and folders as names alone: those of a folder on disk, or of a .zip archive that is never unpacked to disk."""

from __future__ import annotations

import os
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from muslin.data.readers._reading import head, may_unzip_to
from muslin.errors import DataError
from muslin.pictures.names import is_hidden

DEEPEST = 8  # folders within folders; links that lead in a circle end here
MOST_FILES = 2**21
_MOST_DIRECTORY = 2**26  # bytes of an archive's directory, about half a million names
_ENCRYPTED, _UTF8 = 0x1, 0x800  # flags of a member
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x06"  # marks of the end of an archive's directory
_LONGEST_END = 2**16 + 22 + 20 + 56
# What a damaged member raises; RuntimeError is a missing password.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Member:
    """A file within an archive.

    Attributes:
        archive: the archive, open.
        info: its entry in the archive's directory.
    """

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    def read(self, most: int) -> bytes:
        """Return the content, at most so many bytes of it.

        Raises:
            OSError: the content is damaged.
        """
        try:
            with self.archive.open(self.info) as file:
                return file.read(most)
        except _DAMAGED as error:
            raise OSError(f"damaged in the archive: {error!s:.100}") from error


File: TypeAlias = Path | Member


@dataclass(frozen=True)
class Tree:
    """A folder, without what is hidden.

    Attributes:
        shown: the folder's place in messages.
        folders: the folders in it, by name.
        files: the files in it, by name.
    """

    shown: str
    folders: dict[str, Tree] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    def folder(self, name: str) -> Tree:
        """Return the folder of that name, made if there is none."""
        return self.folders.setdefault(name, Tree(f"{self.shown}/{name}"))

    def walk(self, inside: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, File]]:
        """Yield the folders that lead to each file, its name and itself, in the order of the names."""
        for name in sorted(self.files):
            yield inside, name, self.files[name]
        for name in sorted(self.folders):
            yield from self.folders[name].walk((*inside, name))


def tree_of(folder: Path) -> Tree:
    """Return the files and folders in a folder on disk; links are followed.

    Raises:
        DataError: there are more than `MOST_FILES` files.
        OSError: the folder cannot be read.
    """
    tree = Tree(str(folder))
    _fill(tree, folder, DEEPEST, 0)
    return tree


def _fill(tree: Tree, folder: Path, depth: int, files: int) -> int:
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            if not entry.is_dir():
                tree.files[entry.name] = Path(entry.path)
                files += 1
            elif depth:
                files = _fill(tree.folder(entry.name), Path(entry.path), depth - 1, files)
    if files > MOST_FILES:
        raise DataError(f"{tree.shown} has more than {MOST_FILES:,} files. Pass the folder of one data set as `path=`.")
    return files


@contextmanager
def tree_of_zip(path: Path) -> Iterator[Tree]:
    """Open a .zip archive and return the files and folders in it. Names that climb or are absolute are only names.

    Raises:
        DataError: the archive is damaged, encrypted, packed by a rare method, has too many members, or would unpack to
            far more than its size.
    """
    head(path)
    _check_directory(path)
    try:
        archive = zipfile.ZipFile(path)
    except (*_DAMAGED, OSError) as error:
        raise DataError(f"{path} is damaged or not a .zip archive: {error!s:.200}. Download it again.") from error
    with archive:
        yield _members(path, archive)


def _members(path: Path, archive: zipfile.ZipFile) -> Tree:
    tree = Tree(str(path))
    declared = 0
    for info in archive.infolist():
        parts = [part for part in _name(info).replace("\\", "/").split("/") if part not in ("", ".")]
        if not info.filename or info.is_dir() or not parts or len(parts) > DEEPEST + 1 or any(map(is_hidden, parts)):
            continue
        if info.flag_bits & _ENCRYPTED:
            raise DataError(f"{path} is encrypted. Unpack it with its password, and pass the folder as `path=`.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(
                f"{path} is packed by a method that Muslin does not read (number {info.compress_type}). Unpack it, and "
                "pass the folder as `path=`."
            )
        declared += info.file_size
        inside = tree
        for part in parts[:-1]:
            inside = inside.folder(part)
        inside.files[parts[-1]] = Member(archive, info)
    may_unzip_to(path, declared)
    return tree


def _name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; macOS writes UTF-8 without saying so, which `zipfile` takes for another encoding."""
    name = info.filename
    if not info.flag_bits & _UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name)


def _check_directory(path: Path) -> None:
    """Refuse an archive whose directory would take much memory, before it is read."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _LONGEST_END, 0))
        end = file.read()
    at, at_64 = end.rfind(_END), end.rfind(_END_64)
    size = struct.unpack("<I", end[at + 12 : at + 16])[0] if 0 <= at <= len(end) - 22 else 0
    if 0 <= at_64 <= len(end) - 56:
        size = max(size if size != 2**32 - 1 else 0, struct.unpack("<Q", end[at_64 + 40 : at_64 + 48])[0])
    if size > _MOST_DIRECTORY:
        raise DataError(
            f"{path} has a directory of {size:,} bytes; Muslin reads at most {_MOST_DIRECTORY:,}, about half a "
            "million names. Unpack it, and pass the folder as `path=`."
        )
