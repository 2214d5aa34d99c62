"""From a path that a person gave to the reader that understands it."""

from __future__ import annotations

from pathlib import Path

from muslin.data import idx, npz
from muslin.data.split import Files
from muslin.errors import DataError


def read(path: Path) -> Files:
    """Read the data at `path`."""
    if not path.exists():
        raise DataError(f"{path} doesn't exist.")
    if path.is_file():
        return npz.read(path)
    return idx.read(path)
