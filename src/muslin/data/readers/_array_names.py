"""What an array or a file of arrays is, by its name: images or labels, of which split."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

Kind = Literal["images", "labels"]
SplitName = Literal["train", "validation", "test"]

_SPLITS: Mapping[str, SplitName] = {
    "training": "train",
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "testing": "test",
    "test": "test",
    "t10k": "test",
}
_KINDS: Mapping[str, Kind] = {
    "images": "images",
    "image": "images",
    "imgs": "images",
    "img": "images",
    "inputs": "images",
    "data": "images",
    "features": "images",
    "patterns": "images",
    "fea": "images",  # USPS and COIL, with "gnd"
    "x": "images",
    "labels": "labels",
    "label": "labels",
    "lbls": "labels",
    "targets": "labels",
    "target": "labels",
    "gnd": "labels",
    "y": "labels",
}
_WORD = r"(?<![a-z])(?:{})(?![a-z])"
_SPLIT_WORD = re.compile(_WORD.format("|".join(_SPLITS)))


class Role(NamedTuple):
    """What an array is.

    Attributes:
        split: its split; None if its name says none.
        kind: images or labels.
        prefix: the rest of the name, such as "kmnist"; sets of files differ in it.
    """

    split: SplitName | None
    kind: Kind
    prefix: str


def role(name: str) -> Role | None:
    """Tell what an array is by its name; None if the name does not tell.

    >>> role("X_train"), role("val_labels"), role("data")
    (Role(split='train', kind='images', prefix=''), Role(split='validation', kind='labels', prefix=''), \
Role(split=None, kind='images', prefix=''))
    >>> role("kmnist-test-imgs").prefix
    'kmnist'
    """
    words = [word for word in re.split(r"[^a-z0-9]+", _spaced(name)) if word]
    kind = next((_KINDS[word] for word in reversed(words) if word in _KINDS), None)
    if kind is None:
        return None
    split = next((_SPLITS[word] for word in reversed(words) if word in _SPLITS), None)
    rest = [word for word in words if word not in _SPLITS and _KINDS.get(word) != kind]
    return Role(split, kind, "-".join(rest))


def split_of(text: str) -> SplitName | None:
    """Return the split that the words of a file name tell.

    >>> split_of("validation-00000-of-00001"), split_of("constrained")
    ('validation', None)
    """
    found = _SPLIT_WORD.search(text.lower())
    return _SPLITS[found[0]] if found else None


def split_of_folder(name: str) -> SplitName | None:
    """Return the split that a folder is named after.

    >>> split_of_folder("Train"), split_of_folder("test-data")
    ('train', None)
    """
    return _SPLITS.get(name.lower().removeprefix("partial-"))  # hubs convert only the beginning of large data sets


def roles(names: Iterable[str]) -> dict[tuple[SplitName | None, Kind], list[str]]:
    """Return the names of arrays by what they are: of several, those without a prefix and of the plainest word.

    >>> roles(["data", "images", "target", "target_names"])
    {(None, 'images'): ['images'], (None, 'labels'): ['target']}
    """
    found: dict[tuple[SplitName | None, Kind], list[tuple[tuple[bool, int], str]]] = {}
    for name in names:
        if (what := role(name)) is not None:
            spaced = _spaced(name)
            word = next(place for place, word in enumerate(_KINDS) if re.search(_WORD.format(word), spaced))
            found.setdefault((what.split, what.kind), []).append(((bool(what.prefix), word), name))
    return {key: [name for rank, name in each if rank == min(each)[0]] for key, each in found.items()}


def _spaced(name: str) -> str:
    """Return a name in lower case with a space before a capital inside it, and after a lone x or y before a split."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    splits = "|".join(_SPLITS)
    return re.sub(rf"^([xy])(?=(?:{splits})$)|(?<![a-z0-9])((?:{splits}))(?=[xy]$|images$|labels$)", r"\1\2 ", name)
