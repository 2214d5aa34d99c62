"""From "I want the data" to a Dataset: find, read, name, split, audit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from muslin.data.audit import audit
from muslin.data.dataset import Dataset
from muslin.data.names import class_names
from muslin.data.progress import Progress, silent
from muslin.data.sources import find, find_sample
from muslin.data.split import stratified
from muslin.errors import DataError

VALIDATION_FRACTION = 0.1
SPLIT_SEED = 42


def load_data(
    path: str | Path | None = None,
    *,
    sample: bool = False,
    classes: str | Path | Sequence[str] | None = None,
    validation_fraction: float = VALIDATION_FRACTION,
    split_seed: int = SPLIT_SEED,
    allow_leak: bool = False,
    download: bool = True,
    progress: Progress = silent,
) -> Dataset:
    """Find Fashion-MNIST, or read the images at `path`; verify, split and audit them.

    Without a path, the first of these that has data is used: the environment variable MUSLIN_DATA, the user's cache,
    the system's copy (Debian's `dataset-fashion-mnist`), and then a download into the cache, which must match the
    official SHA-256 hashes.

    Args:
        path: a folder of IDX, CSV or Parquet files or of images in train/<class>/ and test/<class>/, or an .npz file.
        sample: use the 2,500 images that ship with Muslin.
        classes: names for the classes: a sequence, "a,b,c", or a text file with one a line. By default those in the
            files, or Fashion-MNIST's.
        validation_fraction: the share of the training files held out for validation, of each class alike.
        split_seed: which images those are; the same as scikit-learn's `train_test_split` draws.
        allow_leak: accept training and test files that share images; the audit remembers it.
        download: fetch the data when they are nowhere on this machine.
        progress: called as `progress(what, done, total)` while something is fetched, in bytes; total may be unknown.

    Raises:
        DataError: there are no data, or they are damaged; the message says which file, and what to do.
        LeakError: training and test files share images that they should not.
    """
    if sample and path is not None:
        raise DataError(f"Both the sample and {str(path)!r} were asked for. Pass --sample or --data, not both.")
    if sample:
        found = find_sample()
    else:
        found = find(Path(path) if path is not None else None, download=download, progress=progress)
    files = found.files
    names = class_names(files, classes)
    train, validation = stratified(files.train, validation_fraction, split_seed)
    splits = {"train": train, "validation": validation, "test": files.test}
    return Dataset(
        train,
        validation,
        files.test,
        class_names=names,
        source=found.source,
        audit=audit(files, splits, classes=len(names), allow_leak=allow_leak),
        lookup=found.lookup,
    )
