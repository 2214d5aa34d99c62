"""From the labels in files to class numbers and their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muslin._words import count, listed
from muslin.data.contents import Contents, Part
from muslin.data.known import labels_are_fashion
from muslin.data.places.official import CLASS_NAMES
from muslin.errors import DataError

_NAMED = 6  # classes that a message names


@dataclass(frozen=True, eq=False)
class Numbered:
    """Labels as class numbers.

    Attributes:
        names: names of the classes, by number.
        labels: class numbers, 0 to the number of classes - 1, of each part of the contents.
        notes: what a person should know about the classes, one sentence each.
    """

    names: tuple[str, ...]
    labels: list[np.ndarray]
    notes: tuple[str, ...]


def number(contents: Contents, given: str | Path | Sequence[str] | None = None) -> Numbered:
    """Number the classes that have training images, in the order of their labels, and name them.

    The first available names are used: `given`; those of Fashion-MNIST, if the images are known to be its images; the
    names in the files; the labels themselves, if they are text; "class 1", "class 2" and so on, by the labels.

    Args:
        contents: contents of the files as bytes, with labels in every part.
        given: names as a sequence, as "a,b,c", or as the path of a text file with one name per line (default None).
            There are as many as classes with training images, in the order of the labels; or one for every label from
            0. Where the labels are the same names, `given` decides their order.

    Raises:
        DataError: if another part has a label that no training image has, there is only one class, or `given` does not
            fit the labels.
    """
    train = contents.train
    parsed = _parse(given) if given is not None else None
    present = ordered(train.labels)
    if len(present) < 2:
        raise DataError(
            f"{train.name} has images of one class only; a network needs at least two. Add images of another."
        )
    if parsed and set(parsed) == {str(label) for label in present} and train.labels.dtype.kind == "U":
        present = np.array(parsed)
    names, absent = _names(contents, present, parsed)
    labels = [_numbered(part, present, train) for part in contents.parts]
    return Numbered(names, labels, (*absent, *_untested(contents, names, labels)))


def ordered(labels: np.ndarray) -> np.ndarray:
    """Return the different labels in order; text that holds whole numbers is ordered by their values.

    >>> ordered(np.array(["10", "9", "10"])).tolist()
    ['9', '10']
    """
    present = np.unique(labels)
    if present.dtype.kind == "U" and all(re.fullmatch(r"\d{1,18}", label) for label in present.tolist()):
        return np.array(sorted(present.tolist(), key=int))
    return present


def _names(
    contents: Contents, present: np.ndarray, given: tuple[str, ...] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a name for every present label, and notes on names without training images."""
    numbers = present.dtype.kind != "U"
    train = contents.train
    if given is not None and len(given) == len(present):
        return given, ()
    by_number, whose = given, "`classes=` has"
    if given is None and numbers:
        fashion = labels_are_fashion(train.images, train.labels)
        by_number, whose = (CLASS_NAMES, "Fashion-MNIST has") if fashion else (contents.class_names, "the files name")
    if by_number is None:
        return tuple(f"class {label}" if numbers else str(label) for label in present), ()
    if not numbers or present[0] < 0 or present[-1] >= len(by_number):
        raise DataError(
            f"{train.name} has {count(len(present), 'class', 'classes')} "
            f"({_some([str(label) for label in present])}), but {whose} {len(by_number)} names. Pass one name for "
            "every class, in the order of the labels."
        )
    absent = [name for label, name in enumerate(by_number) if label not in present]
    left = f"{listed([repr(name) for name in absent[:_NAMED]])}{' and others' if len(absent) > _NAMED else ''}"
    notes = (f"no training image is of the class {left}, which was left out",) if absent else ()
    return tuple(by_number[label] for label in present), notes


def _numbered(part: Part, present: np.ndarray, train: Part) -> np.ndarray:
    if part.labels.dtype.kind != present.dtype.kind:
        raise DataError(
            f"{part.name} has labels such as {part.labels[0]}, but {train.name} has labels such as {present[0]}. Use "
            "training and test files of the same data set."
        )
    order = np.argsort(present)
    at = np.minimum(np.searchsorted(present, part.labels, sorter=order), len(present) - 1)
    labels = order[at].astype(np.int64)
    strange = np.flatnonzero(present[labels] != part.labels)
    if len(strange):
        rows = np.unique(part.labels[strange])
        raise DataError(
            f"{part.name} has the label {_some([str(label) for label in rows])} (first in row {strange[0] + 1}), which "
            f"no training image in {train.name} has; the training labels are {_some([str(each) for each in present])}. "
            "Use training and test files of the same data set, or remove these images."
        )
    return labels


def _untested(contents: Contents, names: tuple[str, ...], labels: list[np.ndarray]) -> tuple[str, ...]:
    """Note the classes without test images: they have no figures."""
    if contents.test is None:
        return ()
    missing = [name for number, name in enumerate(names) if number not in labels[-1]]
    if not missing:
        return ()
    return (f"no test image is of the class {_some(missing)}; it has no figures and counts in no mean",)


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:_NAMED]) + (", …" if len(words) > _NAMED else "")


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
