"""Check files against the hashes of the official release before using them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from muslin.data._reading import unzipped
from muslin.data.official import FILES, OfficialFile
from muslin.errors import DataError

_CHUNK = 2**20  # bytes


def verify(path: Path, file: OfficialFile) -> None:
    """Check that the unzipped bytes of `path` are those of the official `file`.

    At most one byte more than the official size is unzipped.

    Raises:
        DataError: the bytes differ, or the file cannot be read.
    """
    digest = hashlib.sha256()
    left = file.size + 1
    with unzipped(path) as stream:
        while left and (chunk := stream.read(min(_CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    if digest.hexdigest() != file.sha256:
        raise DataError(f"{file.name} is not the official file: its SHA-256, unzipped, is {digest.hexdigest()[:12]}….")


def wanted(folder: Path, files: Sequence[OfficialFile] = FILES) -> list[OfficialFile]:
    """Return the files whose `.gz` is missing from `folder` or damaged."""
    return [file for file in files if not _holds(folder, file)]


def _holds(folder: Path, file: OfficialFile) -> bool:
    path = zipped(folder, file)
    if not path.is_file():
        return False
    try:
        verify(path, file)
    except DataError:
        return False
    return True


def zipped(folder: Path, file: OfficialFile) -> Path:
    """Return the path of the gzipped `file` in `folder`."""
    return folder / f"{file.name}.gz"
