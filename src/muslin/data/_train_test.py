"""Recognition of training and test files by their names."""

from __future__ import annotations

import re
from pathlib import Path

from muslin.errors import DataError

_WORD = {"train": re.compile(r"(?<![a-z])train(?![a-z])"), "test": re.compile(r"(?<![a-z])test(?![a-z])")}


def train_and_test(folder: Path, suffix: str) -> dict[str, list[Path]]:
    """Find the files whose names contain the word "train" or "test".

    Args:
        folder: folder to search.
        suffix: suffix of the files, in lower case with its dot.

    Returns:
        Sorted paths by "train" and "test"; a key is absent if it has no files.
    """
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() == suffix and path.is_file():
            for split, word in _WORD.items():
                if word.search(path.stem.lower()):
                    files.setdefault(split, []).append(path)
    return files


def one_of_each(folder: Path, files: dict[str, list[Path]], looked_for: str) -> tuple[Path, Path]:
    """Return the training file and the test file.

    Args:
        folder: folder that contains the files, for messages.
        files: paths by "train" and "test".
        looked_for: description of the expected files, for messages.

    Raises:
        DataError: if either file is missing or ambiguous.
    """
    for split in ("train", "test"):
        candidates = files.get(split, [])
        if not candidates:
            raise DataError(f"{folder} has no {split} file. Expected {looked_for}.")
        if len(candidates) > 1:
            raise DataError(
                f"{folder} has {len(candidates)} files that could be the {split} file: "
                f"{', '.join(path.name for path in candidates)}. Keep only one of them in the folder."
            )
    return files["train"][0], files["test"][0]
