"""The calls through which Muslin writes, so that tests can count them, make them fail, and replay them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CALLS = ("open", "fsync", "replace", "rename", "mkdir", "chmod", "unlink", "rmdir", "symlink", "ftruncate", "write")
Before = Callable[[str, tuple[Any, ...]], None]


@contextmanager
def watched(root: Path, before: Before) -> Iterator[None]:
    """Call `before(name, arguments)` ahead of each call that changes something under `root`."""
    with pytest.MonkeyPatch.context() as patch:
        opened: dict[int, str] = {}

        def wrap(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                place = opened.get(arguments[0], "") if isinstance(arguments[0], int) else str(arguments[0])
                if name == "symlink":
                    place = str(arguments[1])
                if not place.startswith(str(root)):
                    return plain(*arguments, **named)
                reads = name == "open" and not arguments[1] & (os.O_WRONLY | os.O_RDWR)
                if not reads:
                    before(name, (place, *arguments[1:]))
                result = plain(*arguments, **named)
                if name == "open":
                    opened[result] = place
                return result

            return call

        for name in CALLS:
            patch.setattr(os, name, wrap(name, getattr(os, name)))
        write = Path.write_bytes

        def write_bytes(path: Path, content: bytes) -> int:
            if str(path).startswith(str(root)):
                try:
                    before("write", (str(path), content))
                except OSError:
                    write(path, content[: len(content) // 2])  # a full disk takes the first part
                    raise
            return write(path, content)

        patch.setattr(Path, "write_bytes", write_bytes)
        yield


@dataclass
class Disk:
    """What is on a disk after a loss of power: only what was flushed is sure to be.

    Directories and files are kept apart, as file systems do: flushing a file saves its content, flushing a directory
    saves which names it holds.

    Attributes:
        names: what a program sees: path → number of a file, or None for a directory.
        contents: what a program reads, by number.
        saved_names, saved_contents: the same, of what was flushed.
    """

    names: dict[str, int | None] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    saved_names: dict[str, int | None] = field(default_factory=dict)
    saved_contents: dict[int, bytes] = field(default_factory=dict)

    def do(self, name: str, arguments: tuple[Any, ...]) -> None:
        """One call."""
        path = arguments[0]
        match name:
            case "open" if arguments[1] & os.O_CREAT and path not in self.names:
                number = len(self.contents)
                self.names[path], self.contents[number], self.saved_contents[number] = number, b"", b""
            case "write":
                number = self.names[path]
                assert number is not None
                self.contents[number] = arguments[1]
            case "mkdir":
                self.names[path] = None
            case "replace" | "rename":
                for each in [each for each in self.names if each == path or each.startswith(f"{path}/")]:
                    self.names[str(arguments[1]) + each.removeprefix(path)] = self.names.pop(each)
            case "unlink" | "rmdir":
                self.names.pop(path, None)
            case "fsync" if self.names.get(path, None) is None:
                inside = {each for each in (*self.names, *self.saved_names) if str(Path(each).parent) == path}
                for each in inside:
                    self._save_name(each)
            case "fsync":
                number = self.names[path]
                assert number is not None
                self.saved_contents[number] = self.contents[number]

    def _save_name(self, path: str) -> None:
        """A directory's flush: a new name appears, with all that was saved below the old one if it was renamed."""
        if path in self.names:
            self.saved_names[path] = self.names[path]
            if self.names[path] is None:  # what was flushed inside it before it was renamed came along
                for each in self.names:
                    if each.startswith(f"{path}/") and self.names[each] in self._saved_numbers():
                        self.saved_names[each] = self.names[each]
        else:
            for each in [each for each in self.saved_names if each == path or each.startswith(f"{path}/")]:
                del self.saved_names[each]

    def _saved_numbers(self) -> set[int | None]:
        return set(self.saved_names.values())

    def lay_out(self, root: Path, new: Path, names: dict[str, int | None], contents: dict[int, bytes]) -> None:
        """Write a state of `root` down at `new`; a file in a directory that is lost is lost with it."""
        new.mkdir(parents=True)
        for path, number in sorted(names.items()):
            place = new / Path(path).relative_to(root)
            if not place.parent.is_dir():
                continue
            if number is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(contents[number])
