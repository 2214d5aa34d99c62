"""Telling the training from the test files by their names."""

from __future__ import annotations

import re
from pathlib import Path

from muslin.errors import DataError

_WORD = {"train": re.compile(r"(?<![a-z])train(?![a-z])"), "test": re.compile(r"(?<![a-z])test(?![a-z])")}


def train_and_test(folder: Path, suffix: str) -> dict[str, list[Path]]:
    """The files of a folder that end in `suffix` and have the word "train" or "test" in their name, sorted."""
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() == suffix and path.is_file():
            for split, word in _WORD.items():
                if word.search(path.stem.lower()):
                    files.setdefault(split, []).append(path)
    return files


def one_of_each(folder: Path, files: dict[str, list[Path]], looked_for: str) -> tuple[Path, Path]:
    """The training and the test file.

    Raises:
        DataError: one is missing, or there are several that could be it.
    """
    for split in ("train", "test"):
        candidates = files.get(split, [])
        if not candidates:
            raise DataError(f"{folder} has no {split} file. Looked for {looked_for}.")
        if len(candidates) > 1:
            raise DataError(
                f"{folder} has {len(candidates)} files that could be the {split} file: "
                f"{', '.join(path.name for path in candidates)}. Keep one of them there."
            )
    return files["train"][0], files["test"][0]
