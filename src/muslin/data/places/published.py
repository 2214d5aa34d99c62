"""Files as their publishers offer them: names, sizes and hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from muslin.data.readers._reading import head, refuse_impostor
from muslin.errors import DataError

_CHUNK = 2**20  # bytes
_MD5_DIGITS = 32


class Published(Protocol):
    """A file that can be fetched and checked."""

    @property
    def name(self) -> str:
        """Its name in messages."""

    @property
    def stored(self) -> str:
        """Its name on disk and at the publisher."""

    @property
    def most(self) -> int:
        """Largest number of bytes that may be transferred."""

    def verify(self, path: Path) -> None:
        """Raise a DataError if the file at `path` is another."""


@dataclass(frozen=True)
class PublishedFile:
    """A file that is known by the hash of its bytes.

    Attributes:
        stored: its name on disk and at the publisher.
        digest: its SHA-256; or its MD5 where its publisher gives only that, which tells errors of transfer, but not a
            forgery.
        most: upper bound of its size in bytes.
        inside: its path in the archive that contains it (default: `stored`).
    """

    stored: str
    digest: str
    most: int
    inside: str = ""

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self.stored

    def verify(self, path: Path) -> None:
        """Check the hash of a file, which is not read beyond its largest size.

        Raises:
            DataError: the file is another.
        """
        kind = "MD5" if len(self.digest) == _MD5_DIGITS else "SHA-256"
        hashed = hashlib.md5(usedforsecurity=False) if kind == "MD5" else hashlib.sha256()
        left = self.most + 1
        with path.open("rb") as file:
            while left > 0 and (chunk := file.read(min(_CHUNK, left))):
                hashed.update(chunk)
                left -= len(chunk)
        if hashed.hexdigest() != self.digest:
            if not head(path).startswith(b"PK"):  # .npz files are ZIP archives
                refuse_impostor(path)
            raise DataError(
                f"{self.name} is not the published file: its {kind} is {hashed.hexdigest()[:12]}…, not "
                f"{self.digest[:12]}…."
            )


@dataclass(frozen=True)
class PublishedArchive(PublishedFile):
    """A ZIP or tar archive of which only some members are kept.

    Attributes:
        members: the members that are kept, each under its own name.
    """

    members: tuple[PublishedFile, ...] = ()


def kept(file: Published) -> Sequence[Published]:
    """Return what of a file is kept on disk: itself, or its members."""
    return file.members if isinstance(file, PublishedArchive) else (file,)


def wanted(folder: Path, files: Sequence[Published]) -> list[Published]:
    """Return the files of which `folder` lacks a part, or has a damaged one."""
    return [file for file in files if not all(_holds(folder / each.stored, each) for each in kept(file))]


def _holds(path: Path, file: Published) -> bool:
    if not path.is_file():
        return False
    try:
        file.verify(path)
    except (DataError, OSError):
        return False
    return True
