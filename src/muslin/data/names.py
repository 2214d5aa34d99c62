"""The number and the names of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from muslin._words import count
from muslin.data.official import CLASS_NAMES, release_of
from muslin.data.split import Files
from muslin.errors import DataError


def class_names(files: Files, given: str | Path | Sequence[str] | None = None) -> tuple[str, ...]:
    """Determine the names of the classes, and check that every label belongs to one of them.

    The first available names are used: `given`; the ten names of Fashion-MNIST, if the labels of a split are those of a
    known release; the names in the files; "class 0", "class 1" and so on.

    Args:
        files: data of a reader.
        given: names as a sequence, as "a,b,c", or as the path of a text file with one name per line (default None).

    Returns:
        Names in the order of the class numbers.

    Raises:
        DataError: if a label is outside the classes, there is only one class, or `given` is not valid.
    """
    if given is not None:
        names = _parse(given)
        _check(files, len(names), f"`classes=` has {len(names)} names; pass one name for every class.")
    elif {release_of(files.train), release_of(files.test)} != {"unknown"}:
        names = CLASS_NAMES
        _check(
            files,
            len(names),
            f"Fashion-MNIST has {len(names)} classes, so one of the two files must be from another data set. Use the "
            "training and test files of the same data set.",
        )
    elif files.class_names is not None:
        names = files.class_names
        _check(files, len(names), f"The training files name {len(names)} classes; pass `classes=` to name more.")
    else:
        names = tuple(f"class {number}" for number in range(_count(files)))
    if len(names) < 2:
        raise DataError(
            f"{files.train_name} has images of one class only; a network needs at least two. Add images of another."
        )
    return names


def _count(files: Files) -> int:
    """Count the classes of files without class names: those that have training images."""
    present = np.unique(files.train.labels)
    classes = len(present)
    if files.most_classes is not None:
        classes = min(int(present[-1]) + 1 if present[-1] >= 0 else classes, files.most_classes)
    _check(
        files,
        classes,
        f"Check that the file belongs to a {classes}-class data set, or pass `classes=` with a name for every class.",
    )
    return classes


def _check(files: Files, classes: int, way_out: str) -> None:
    for split, place in ((files.train, files.train_name), (files.test, files.test_name)):
        wrong = np.flatnonzero((split.labels < 0) | (split.labels >= classes))
        if len(wrong):
            raise DataError(
                f"{place}: label {split.labels[wrong[0]]} in row {wrong[0] + 1} is outside 0–{classes - 1}. {way_out}"
            )


def _parse(given: str | Path | Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str) and "," in given:
        names = given.split(",")
    elif isinstance(given, (str, Path)):
        names = _read(Path(given))
    else:
        names = list(given)
    names = [name.strip() for name in names]
    if len(names) < 2 or not all(names):
        raise DataError(
            f"`classes=` has {count(len(names), 'name')} ({', '.join(map(repr, names))}); it needs at least two, and "
            "none may be empty."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"`classes=` has the name {twice[0]!r} twice; every class needs a different name.")
    return tuple(names)


def _read(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise DataError(
            f"`classes=` is {str(path)!r}, which cannot be read as a file ({error.strerror or error}). Pass the path "
            "of a text file with one name per line, or the names themselves, e.g. cat,dog,bird."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8; `classes=` takes a text file with one name per line.") from error
