"""Runs a page from top to bottom in a folder of its own, as a reader would: later commands see earlier files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

from docs.pages import ELISION, ROOT, Fence

SAMPLE = ROOT / "src" / "muslin" / "data" / "sample" / "fashion-mnist-sample.npz"
LONGEST = 300.0  # seconds for one block; a busy machine needs many times what it takes alone
_PYTHON = """
import sys
namespace = {"__name__": "__main__"}
for file in sys.argv[1:]:
    exec(compile(open(file, encoding="utf-8").read(), file, "exec"), namespace)
"""


class Session:
    """One page's commands.

    `muslin` in it is the one under test, and the images that it finds by itself (`MUSLIN_DATA`) are the sample's, so
    that `muslin run` trains in seconds. Each block of Python sees the names that the blocks above it made.
    """

    def __init__(self, folder: Path) -> None:
        """Start in an empty folder."""
        self.folder = folder
        self._python: list[Path] = []

    def console(self, command: str) -> tuple[int, str]:
        """Run a command in a shell; its exit status and what it printed."""
        return self._run(["bash", "-c", f"set -euo pipefail\n{command}"])

    def python(self, code: str) -> tuple[int, str]:
        """Run a block of Python after those before it; the exit status, and what all of them printed."""
        file = self.folder.parent / f"block-{len(self._python)}.py"
        file.write_text(code, encoding="utf-8")
        self._python.append(file)
        return self._run([sys.executable, "-W", "error", "-c", _PYTHON, *map(str, self._python)])

    def _run(self, command: list[str]) -> tuple[int, str]:
        scripts = self.folder.parent / "bin"
        if not scripts.exists():
            scripts.mkdir()
            launcher = scripts / "muslin"
            launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -m muslin "$@"\n', encoding="utf-8")
            launcher.chmod(0o755)
        environment = os.environ | {
            "PATH": os.pathsep.join([str(scripts), sysconfig.get_path("scripts"), os.environ["PATH"]]),
            "MUSLIN_DATA": os.environ.get("MUSLIN_DOCS_DATA", str(SAMPLE)),
            "COLUMNS": "96",
            "NO_COLOR": "1",
            "OMP_NUM_THREADS": "1",
        }
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        return done.returncode, done.stdout

    def write(self, fence: Fence) -> None:
        """Save a block that is a file's content."""
        assert fence.title is not None
        (self.folder / fence.title).write_text(fence.text + "\n", encoding="utf-8")


def alike(expected: list[str], printed: str) -> bool:
    """Whether a command printed what the page shows, but for numbers, spaces and rules; `…` stands for any lines."""
    parts: list[list[str]] = [[]]
    for line in map(_normal, expected):
        if line == ELISION:
            parts.append([])
        elif line:
            parts[-1].append(line)
    lines = [line for line in map(_normal, printed.splitlines()) if line]
    if len(parts) == 1:
        return parts[0] == lines
    first, *middle, last = parts
    if lines[: len(first)] != first or (last and lines[-len(last) :] != last):
        return False
    rest = lines[len(first) : len(lines) - len(last)]
    for part in middle:
        starts = [at for at in range(len(rest) - len(part) + 1) if rest[at : at + len(part)] == part]
        if not starts:
            return False
        rest = rest[starts[0] + len(part) :]
    return True


def _normal(line: str) -> str:
    line = re.sub(r"[─━═╶╴│┃┼╇┏┓└┘|]+", " ", line)
    line = re.sub(r"(?:\.{0,2}/)?(?:[\w.-]+/)*runs/", "runs/", line)  # wherever the folder of runs is
    line = re.sub(r"[+−-]?\d[\d.,]*", "#", line)
    return " ".join(line.split())
