"""Loading a data set: find, read, name, split, audit."""

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
        path: folder of IDX, CSV or Parquet files or of images in train/<class>/ and test/<class>/, or an .npz file
            (default: the places above).
        sample: whether to use the 2,500 images that ship with Muslin (default False).
        classes: names of the classes: a sequence, "a,b,c", or a text file with one name a line (default: those in the
            files, or Fashion-MNIST's).
        validation_fraction: share of the training files held out for validation, 0–1, stratified by class
            (default 0.1).
        split_seed: seed of the draw of validation images; scikit-learn's `train_test_split` draws the same (default
            42).
        allow_leak: whether to accept training and test files that share images; the audit records it (default False).
        download: whether to fetch the data if they are not on this machine (default True).
        progress: callback `progress(what, done, total)` while files are fetched, in bytes; total may be unknown
            (default: none).

    Returns:
        The data set.

    Raises:
        DataError: there are no data, or a file is damaged; the message names the file and the remedy.
        LeakError: training and test files share images.
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
