"""Which classes there are, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from muslin.data.official import CLASS_NAMES, release_of
from muslin.data.split import Files
from muslin.errors import DataError


def class_names(files: Files, given: str | Path | Sequence[str] | None = None) -> tuple[str, ...]:
    """Name the classes of `files`, and check that every label is one of them.

    In order: the names given; Fashion-MNIST's ten when a split's labels are those of a known release; the names in the
    files; "class 0", "class 1" and so on.

    Args:
        files: what a reader found.
        given: names, or "a,b,c", or a text file with one name a line.

    Raises:
        DataError: a label is outside the classes, a class has no training image, or the names given are unusable.
    """
    if given is not None:
        names = _parse(given)
        _check(files, len(names), f"--classes gives {len(names)} names; give one for every class.")
    elif {release_of(files.train), release_of(files.test)} != {"unknown"}:
        names = CLASS_NAMES
        _check(
            files, len(names), f"Fashion-MNIST has {len(names)} classes; one of the two files must be from elsewhere."
        )
    elif files.class_names is not None:
        names = files.class_names
        _check(files, len(names), f"The training files name {len(names)} classes; pass --classes to name more.")
    else:
        names = tuple(f"class {number}" for number in range(_count(files)))
    if len(names) < 2:
        raise DataError(
            f"{files.train_name} has images of one class only; there is nothing to tell apart. Add another."
        )
    return names


def _count(files: Files) -> int:
    """The number of classes of files that don't name them: as many as have training images."""
    present = np.unique(files.train.labels)
    classes = len(present)
    if files.most_classes is not None:
        classes = min(int(present[-1]) + 1 if present[-1] >= 0 else classes, files.most_classes)
    _check(
        files,
        classes,
        f"Check that the file belongs to a {classes}-class data set, or pass --classes with a name for every class.",
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
            f"--classes gives {len(names)} names ({', '.join(map(repr, names))}); it takes two or more, none empty."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"--classes gives the name {twice[0]!r} twice; every class needs its own.")
    return tuple(names)


def _read(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise DataError(
            f"--classes is {str(path)!r}, and no such file can be read ({error.strerror or error}). "
            "Give a text file with one name a line, or the names themselves: --classes cat,dog,bird."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} isn't UTF-8 text; --classes takes a text file with one name a line.") from error
