"""Runs a page from top to bottom in a folder of its own, as a reader would: later commands see earlier files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import polars as pl

import muslin
from docs.pages import ELISION, ROOT
from helpers.tiny import png_bytes

LONGEST = 300.0  # seconds for one command; a busy machine needs many times what it takes alone
_DONE = "that was the block"
_PYTHON = f"""
import sys, traceback
namespace = {{"__name__": "__main__"}}
for file in map(str.strip, sys.stdin):
    status = 0
    try:
        exec(compile(open(file, encoding="utf-8").read(), file, "exec"), namespace)
    except BaseException:
        traceback.print_exc()
        status = 1
    print("{_DONE}", status, flush=True)
"""


class Session:
    """One page's commands.

    `muslin` is the package under test, and the images that it finds by itself (`MUSLIN_DATA`) are few, so that
    `muslin run` trains in seconds. Blocks of Python share one interpreter. The folder is like a fresh clone as far as
    the pages speak of it: `docs/images` is there.
    """

    def __init__(self, folder: Path, data: Path) -> None:
        """Start in an empty folder, with the images in `data` where the page speaks of Fashion-MNIST."""
        self.folder = folder / "clone"
        (self.folder / "docs").mkdir(parents=True)
        (self.folder / "docs" / "images").symlink_to(ROOT / "docs" / "images")
        scripts = folder / "bin"
        scripts.mkdir()
        for name, start in (("muslin", "-m muslin"), ("python", "")):
            launcher = scripts / name
            launcher.write_text(f'#!/bin/sh\nexec {sys.executable} {start} "$@"\n', encoding="utf-8")
            launcher.chmod(0o755)
        self._environment = os.environ | {
            "PATH": os.pathsep.join([str(scripts), sysconfig.get_path("scripts"), os.environ["PATH"]]),
            "MUSLIN_DATA": str(data),
            "COLUMNS": "120",
            "NO_COLOR": "1",
            "OMP_NUM_THREADS": "1",
        }
        self._blocks = 0
        self._python: subprocess.Popen[str] | None = None

    def save(self, name: str, text: str) -> None:
        """Save a block that is a file's content."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")

    def console(self, command: str) -> tuple[int, str]:
        """Run a command in a shell: its exit status, and what it printed."""
        done = subprocess.run(
            ["bash", "-c", f"set -euo pipefail\n{command}"],  # noqa: S607  (the reader's own)
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        return done.returncode, done.stdout

    def python(self, code: str) -> tuple[int, str]:
        """Run a block of Python after those before it: 0 or 1, and what it printed."""
        self._blocks += 1
        file = self.folder.parent / f"block-{self._blocks}.py"
        file.write_text(code, encoding="utf-8")
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-c", _PYTHON],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        print(file, file=self._python.stdin, flush=True)
        lines: list[str] = []
        for line in self._python.stdout:
            if line.startswith(_DONE):
                return int(line.split()[-1]), "".join(lines)
            lines.append(line)
        return 1, "".join(lines)

    def close(self) -> None:
        """End what is still running."""
        if self._python is not None:
            assert self._python.stdin is not None
            assert self._python.stdout is not None
            self._python.stdin.close()
            self._python.wait(timeout=60)
            self._python.stdout.close()


def write_images(folder: Path) -> Path:
    """Write half of the sample's images, with the classes' names, as the hubs serve them: a pair of Parquet files."""
    data = muslin.load_data(sample=True)
    train = np.concatenate([data.train.images, data.validation.images])
    labels = np.concatenate([data.train.labels, data.validation.labels])
    names = {"huggingface": json.dumps({"info": {"features": {"label": {"names": data.class_names}}}})}
    folder.mkdir()
    for name, images, numbers in (("train", train, labels), ("test", data.test.images, data.test.labels)):
        kept = [{"bytes": png_bytes(image), "path": None} for image in images[::2]]
        schema = {"image": pl.Struct({"bytes": pl.Binary, "path": pl.String}), "label": pl.Int64}
        frame = pl.DataFrame({"image": kept, "label": numbers[::2]}, schema=schema)
        frame.write_parquet(folder / f"{name}.parquet", metadata=names)
    return folder


def alike(expected: list[str], printed: str) -> bool:
    """Whether a command printed what the page shows, but for numbers, spaces and rules; `…` stands for any lines.

    An ellipsis at a line's end stands for the rest of that line.
    """
    wanted = [line for line in map(_normal, expected) if line]
    lines = [line for line in map(_normal, printed.splitlines()) if line]
    return _matches(wanted, lines)


def _matches(wanted: list[str], lines: list[str]) -> bool:
    if not wanted:
        return not lines
    first, *rest = wanted
    if first == ELISION:
        return any(_matches(rest, lines[skipped:]) for skipped in range(len(lines) + 1))
    if not lines:
        return False
    begins = first.endswith(ELISION) and lines[0].startswith(first.removesuffix(ELISION))
    return (begins or lines[0] == first) and _matches(rest, lines[1:])


def _normal(line: str) -> str:
    line = re.sub(r"[─━═╶╴│┃┼╇┏┓└┘]+", " ", line)
    line = re.sub(r"[\w./~-]*/(?=(?:runs|studies|my_photos|photos)\b)", "", line)  # wherever the reader's folder is
    line = re.sub(r"[+−-]?\d[\d.,]*", "#", line)
    return " ".join(line.split())
