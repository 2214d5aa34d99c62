"""The documentation's pages, taken apart: fences, the commands in them, and what they are expected to print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROMPT, CONTINUED = "$ ", "> "
ELISION = "…"  # a line of its own: any lines may stand here
_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.+) -->")
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[a-z]*)(?: title=\"(?P<title>[^\"]+)\")?\s*$")


@dataclass(frozen=True)
class Fence:
    """A block of code between three backquotes.

    Attributes:
        line: number of the line that opens it, counted from 1.
        language: what stands behind the backquotes.
        title: the file that the block is the content of, if it is one.
        text: what is in it.
        not_run: the reason why it is not run, if it is marked so.
    """

    line: int
    language: str
    title: str | None
    text: str
    not_run: str | None

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Each command of a console, and the lines that it is expected to print."""
        command: str | None = None
        expected: list[str] = []
        for line in self.text.splitlines():
            if line.startswith(PROMPT):
                if command is not None:
                    yield command, expected
                command, expected = line.removeprefix(PROMPT), []
            elif command is not None and line.startswith(CONTINUED) and not expected:
                command += "\n" + line.removeprefix(CONTINUED)
            else:
                expected.append(line)
        if command is not None:
            yield command, expected


def pages() -> list[Path]:
    """README, the texts beside it, and everything under docs/ that a person wrote."""
    beside = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
    made_by_a_study = ROOT / "docs" / "evidence" / "custom_cnn"
    return [*beside, *sorted(path for path in (ROOT / "docs").rglob("*.md") if made_by_a_study not in path.parents)]


def name(page: Path) -> str:
    """A page's name in the list of tests."""
    return page.relative_to(ROOT).as_posix()


def fences(page: Path) -> list[Fence]:
    """The blocks of a page, in order."""
    found: list[Fence] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number, reason = 0, None
    while number < len(lines):
        if marker := _NOT_RUN.match(lines[number].strip()):
            reason = marker["reason"]
        elif opening := _FENCE.match(lines[number]):
            indent, start = len(opening["indent"]), number + 1
            number = start
            while lines[number].strip() != "```":
                number += 1
            text = "\n".join(line[indent:] for line in lines[start:number])
            found.append(Fence(start, opening["language"], opening["title"], text, reason))
            reason = None
        elif lines[number].strip():
            reason = None
        number += 1
    return found


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """The lines of a page outside its fences, with their numbers."""
    inside = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip().startswith("```"):
            inside = not inside
        elif not inside:
            yield number, line
