"""Where images are looked for, in order, and what was found on the way."""

from __future__ import annotations

import functools
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from muslin._disk.cache import CACHE_VARIABLE, cache_folder
from muslin.data import apt, formats, idx, mirrors, npz
from muslin.data.dataset import Place
from muslin.data.official import FILES, OfficialFile, strangers
from muslin.data.progress import Progress, silent
from muslin.data.split import Files
from muslin.errors import DataError, MuslinError

SAMPLE = Path(__file__).parent / "sample" / "fashion-mnist-sample.npz"
SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")
DATA_VARIABLE = "MUSLIN_DATA"


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


@dataclass(frozen=True)
class Fetcher:
    """A way to get the official files.

    Attributes:
        name: what it is called in a message.
        fetch: put the files that a folder lacks into it, verified, or raise `DataError` with the reason in a few words.
    """

    name: str
    fetch: Callable[[Path, Progress], None]


FETCHERS = (
    *(Fetcher(base, functools.partial(mirrors.fetch, base=base)) for base in mirrors.MIRRORS),
    Fetcher(f"the package {apt.PACKAGE}", apt.fetch),
)


def find_sample() -> Found:
    """The images that ship with Muslin."""
    return Found(npz.read(SAMPLE), "the sample that ships with Muslin", (Place("the sample (--sample)", "found"),))


def find(
    path: Path | None = None,
    *,
    download: bool = True,
    progress: Progress = silent,
    cache: Path | None = None,
    system: Path = SYSTEM_FOLDER,
    fetchers: Sequence[Fetcher] = FETCHERS,
    official: Sequence[OfficialFile] = FILES,
) -> Found:
    """Find data: at `path`, at $MUSLIN_DATA, in the cache, in the system's folder, or by fetching them into the cache.

    What a person points at is read or refused. The other places count only if every file in them is the official one.

    Args:
        path: where a person says that the data are.
        download: whether to fetch data that aren't on this machine.
        progress: called while something is fetched.
        cache: where fetched data are kept; the user's cache by default.
        system: where the system keeps its copy.
        fetchers: the ways to fetch, in order.
        official: what the files in those places must be.

    Raises:
        DataError: what a person pointed at is damaged, or no place has the data; the message lists them all.
    """
    cache = cache_folder("fashion-mnist") if cache is None else cache
    lookup: list[Place] = []

    if path is not None:
        return _pointed_at(path, "--data", lookup)
    lookup.append(Place("--data", "not given"))
    if os.environ.get(DATA_VARIABLE):
        return _pointed_at(Path(os.environ[DATA_VARIABLE]), DATA_VARIABLE, lookup)
    lookup.append(Place(DATA_VARIABLE, "not set"))

    for name, folder in ((f"your cache ({cache})", cache), (f"the system's copy ({system})", system)):
        files = _official(folder, name, lookup, official)
        if files is not None:
            return Found(files, name, tuple(lookup))

    if download:
        _check_writable(cache)
        for fetcher in fetchers:
            files = _fetched(fetcher, cache, progress, lookup, official)
            if files is not None:
                return Found(files, f"{fetcher.name}, kept in your cache ({cache})", tuple(lookup))
    else:
        lookup.append(Place("fetching", "not asked for"))

    tried = "; ".join(f"{place.name}: {place.outcome}" for place in lookup)
    names = ", ".join(f"{file.name}.gz" for file in official)
    raise DataError(
        f"Fashion-MNIST was found nowhere. {tried}. Without a network, fetch {names} elsewhere from "
        f"{mirrors.MIRRORS[0]}/, put them in a folder, and point --data or {DATA_VARIABLE} at it. "
        "To only try things on, pass --sample."
    )


def given_place(source: str) -> Path | None:
    """The path that a person pointed at, from a `Found.source`; None if Muslin looked for the data itself.

    >>> given_place("--data (/home/me/shirts)"), given_place("the system's copy (/usr/share)")
    (PosixPath('/home/me/shirts'), None)
    """
    given = re.fullmatch(rf"(?:--data|{DATA_VARIABLE}) \((.*)\)", source)
    return Path(given[1]) if given else None


def _pointed_at(path: Path, name: str, lookup: list[Place]) -> Found:
    path = path.expanduser()
    # Absolute: whoever goes on with a run may stand elsewhere.
    source = f"{name} ({path.absolute()})"
    return Found(formats.read(path), source, (*lookup, Place(source, "found")))


def _official(folder: Path, name: str, lookup: list[Place], official: Sequence[OfficialFile]) -> Files | None:
    """The official files in `folder`, or None; either way a line in `lookup`."""
    files, outcome = None, "not there"
    try:
        if folder.is_dir() and idx.found(folder):
            files = idx.read(folder)
            changed = list(strangers(files, official))
            outcome = f"{changed[0]} is not the official file" if changed else "found, verified"
            files = None if changed else files
    except DataError as error:
        outcome = f"damaged: {str(error).rstrip('.')}"
    except OSError as error:
        outcome = f"can't be read: {error.strerror or error}"
    lookup.append(Place(name, outcome))
    return files


def _check_writable(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        raise DataError(
            f"Fashion-MNIST isn't on this machine, and can't be fetched because the cache {cache} can't be written: "
            f"{error.strerror or error}. Set {CACHE_VARIABLE} to a folder that you may write to."
        ) from error


def _fetched(
    fetcher: Fetcher, cache: Path, progress: Progress, lookup: list[Place], official: Sequence[OfficialFile]
) -> Files | None:
    try:
        fetcher.fetch(cache, progress)
    except (MuslinError, OSError) as error:
        lookup.append(Place(fetcher.name, str(error).rstrip(".")))
        return None
    return _official(cache, fetcher.name, lookup, official)
