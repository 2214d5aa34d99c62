"""Where images are looked for, in order, and what was found on the way."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from muslin.data import formats, idx, npz
from muslin.data.dataset import Place
from muslin.data.official import strangers
from muslin.data.split import Files
from muslin.errors import DataError

Progress = Callable[[str, int, int | None], None]
"""Called as `progress(what, done, total)`, in bytes; `total` is None where it isn't known."""

SAMPLE = Path(__file__).parent / "sample" / "fashion-mnist-sample.npz"
SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")
DATA_VARIABLE = "MUSLIN_DATA"
CACHE_VARIABLE = "MUSLIN_CACHE"


def silent(_what: str, _done: int, _total: int | None) -> None:
    """The progress of someone who doesn't want to know."""


@dataclass(frozen=True, eq=False)
class Found:
    """Data, and the way to them.

    Attributes:
        files: the training and test files.
        source: the place, in words.
        lookup: every place looked at, in order, this one last.
    """

    files: Files
    source: str
    lookup: tuple[Place, ...]


def cache_folder() -> Path:
    """Where fetched data are kept: $MUSLIN_CACHE, or the operating system's folder for caches."""
    from platformdirs import user_cache_path  # noqa: PLC0415  (not needed when a path is given)

    chosen = os.environ.get(CACHE_VARIABLE)
    return (Path(chosen) if chosen else user_cache_path("muslin", appauthor=False)) / "fashion-mnist"


def find(
    path: Path | None = None, *, sample: bool = False, download: bool = True, progress: Progress = silent
) -> Found:
    """Find data: at `path`, else in the first place that has them."""
    if sample:
        return Found(npz.read(SAMPLE), "the sample that ships with Muslin", (Place("the sample", "found"),))
    if path is None and os.environ.get(DATA_VARIABLE):
        path = Path(os.environ[DATA_VARIABLE])
    if path is not None:
        return Found(formats.read(path), str(path), (Place(str(path), "found"),))
    for folder in (cache_folder(), SYSTEM_FOLDER):
        if folder.is_dir() and idx.found(folder):
            files = idx.read(folder)
            if not any(strangers(files)):
                return Found(files, str(folder), (Place(str(folder), "found"),))
    raise DataError("No data.")
