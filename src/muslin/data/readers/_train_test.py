"""Recognition of training, validation and test files by their names."""

from __future__ import annotations

import re
from pathlib import Path

from muslin.errors import DataError

_WORDS = {
    "train": r"train(?:ing)?(?:set|data)?",
    "validation": r"val(?:id|idation)?(?:set|data)?|dev",
    "test": r"test(?:ing)?(?:set|data)?|t10k|eval(?:uation)?",
}
_PATTERNS = {split: re.compile(rf"(?<![a-z])(?:{words})(?![a-z])") for split, words in _WORDS.items()}


def split_of(name: str) -> str | None:
    """Return the split that the name of a file says; None if it says none, or training and test.

    >>> split_of("emnist-letters-train.csv"), split_of("MnistTest.csv"), split_of("t10k.csv"), split_of("latest.csv")
    ('train', 'test', 'test', None)
    """
    said = {split for split, pattern in _PATTERNS.items() if pattern.search(_words(name))}
    if said == {"train", "validation"}:  # "trainval": training images of which some are meant for validation
        return "train"
    return said.pop() if len(said) == 1 else None


def without_split(name: str) -> str:
    """Return the name of a file without the word for its split, which its partners share.

    >>> without_split("emnist-letters-train.csv") == without_split("emnist-letters-test.csv")
    True
    """
    words = _words(name)
    for pattern in _PATTERNS.values():
        words = pattern.sub("*", words)
    return words


def train_and_test(folder: Path, suffix: str | tuple[str, ...]) -> dict[str, list[Path]]:
    """Find the files whose names say "train", "validation" or "test", or a usual word for it, such as "t10k".

    Args:
        folder: folder to search.
        suffix: suffix of the files, in lower case with its dot; or several.

    Returns:
        Sorted paths by "train", "validation" and "test"; a key is absent if it has no files.
    """
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.lower().endswith(suffix) and not path.name.startswith(".") and path.is_file():
            split = split_of(path.name)
            if split is not None:
                files.setdefault(split, []).append(path)
    return files


def only_one(folder: Path, split: str, candidates: list[Path], looked_for: str) -> Path:
    """Return the only file of a split.

    Args:
        folder: folder that contains the files, for messages.
        split: name of the split.
        candidates: its files.
        looked_for: description of the expected files, for messages.

    Raises:
        DataError: if there is none, or more than one.
    """
    if not candidates:
        raise DataError(f"{folder} has no {split} file. Expected {looked_for}.")
    if len(candidates) > 1:
        raise DataError(
            f"{folder} has {len(candidates)} files that could be the {split} file: "
            f"{', '.join(path.name for path in candidates[:5])}{', …' if len(candidates) > 5 else ''}. Pass one file "
            "of the intended data set as `path=`, or keep only one of them in the folder."
        )
    return candidates[0]


def _words(name: str) -> str:
    """Return a name in lower case, with an underscore between the words of a name such as "MnistTrain"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
