"""Loading a data set: find, read, convert, number, split, audit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import numpy as np

from muslin.data.audit import audit
from muslin.data.dataset import Dataset
from muslin.data.files import Files, joined, to_bytes, with_test
from muslin.data.labels import number
from muslin.data.places.progress import Progress, silent
from muslin.data.places.sources import find, find_sample
from muslin.data.reading import Reading, ReadingOptions, reading_of
from muslin.data.split import Split, draw, groups_of
from muslin.errors import DataError


def load_data(
    path: str | Path | None = None,
    *,
    sample: bool = False,
    classes: str | Path | Sequence[str] | None = None,
    allow_leak: bool = False,
    download: bool = True,
    progress: Progress = silent,
    **reading: Unpack[ReadingOptions],
) -> Dataset:
    """Find Fashion-MNIST, or read the images at `path`; convert, split and audit them.

    Without a path, the first of these that has data is used: the environment variable MUSLIN_DATA, the user's cache,
    the system's copy (Debian's `dataset-fashion-mnist`), and then a download into the cache, which must match the
    official SHA-256 hashes.

    Args:
        path: folder, archive or file with images; see the reference on data for the formats (default: the places
            above).
        sample: whether to use the 2,500 images that ship with Muslin (default False).
        classes: names of the classes: a sequence, "a,b,c", or a text file with one name a line (default: those in the
            files, or Fashion-MNIST's).
        allow_leak: whether to accept training and test files that share images; the audit records it (default False).
        download: whether to fetch the data if they are not on this machine (default True).
        progress: callback `progress(what, done, total)` while files are fetched, in bytes; total may be unknown
            (default: none).
        **reading: how the files are read: the fields of `Reading`, such as ``size="48x48"`` or ``test_fraction=0.15``
            (default: those of `Reading`).

    Returns:
        The data set.

    Raises:
        DataError: there are no data, or a file is damaged; the message names the file and the remedy.
        LeakError: training and test files share images.
    """
    if sample and path is not None:
        raise DataError(f"Both the sample and {str(path)!r} were asked for. Pass --sample or --data, not both.")
    how = reading_of(reading)
    if sample:
        found = find_sample()
    else:
        found = find(Path(path) if path is not None else None, how, download=download, progress=progress)
    contents, scaling = to_bytes(with_test(found.contents, how), how)
    numbered = number(contents, classes)
    files = joined(contents, numbered.labels, scaling, numbered.notes)
    train, validation = _validation(files, how)
    own = contents.validation
    note = (f"the {len(own):,} validation images are those of {own.name}; none were drawn",) if own else ()
    splits = {"train": train, "validation": validation, "test": files.test}
    return Dataset(
        train,
        validation,
        files.test,
        class_names=numbered.names,
        source=found.source,
        audit=audit(files, splits, classes=len(numbered.names), allow_leak=allow_leak),
        lookup=found.lookup,
        reading=how,
        scaling=scaling,
        ground=contents.ground,
        notes=files.notes + note,
        own_validation=own is not None,
    )


def _validation(files: Files, how: Reading) -> tuple[Split, Split]:
    """Return training and validation images: those of the files, or some drawn from the training images."""
    if files.validation is not None:
        return files.train, files.validation
    groups = groups_of(files.items, how.group, files.train_name)
    stays, drawn = draw(files.train.labels, how.validation_fraction, how.split_seed, groups=groups)
    lost = sorted(set(np.unique(files.train.labels)) - set(np.unique(files.train.labels[stays])))
    if lost:  # a group took a whole class with it
        raise DataError(
            f"`group={how.group!r}` leaves {len(lost)} of the classes without training images, because all images of "
            "such a class are in one group. Use smaller groups, or add images."
        )
    return files.train.subset(stays), files.train.subset(drawn)
