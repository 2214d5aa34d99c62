"""What Windows lacks is not needed: POSIX modules and calls, symbolic links, and a C++ compiler.

A process that imports Muslin with all of them taken away stands in for Windows.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# These libraries have code of their own for Windows, so here they are imported before anything is taken away.
PRELUDE = """
import os, sys
import filelock, platformdirs, psutil
LACKING = {"fcntl", "resource", "uvloop", "pwd", "grp", "termios", "pty", "readline"}

class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name in LACKING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Lacking())
for name in LACKING:
    sys.modules.pop(name, None)

for name in ("geteuid", "getuid", "getpgid", "fork", "pread", "pwrite", "sched_getaffinity", "openpty"):
    if hasattr(os, name):
        delattr(os, name)

def kill(pid, number):
    raise AssertionError("os.kill terminates or interrupts on Windows")

def symlink(*arguments, **options):
    raise OSError(1314, "A required privilege is not held by the client")

plain_open = os.open

def open_no_directory(path, flags, *rest, **options):
    if not isinstance(path, int) and os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    return plain_open(path, flags, *rest, **options)

os.kill, os.symlink, os.open = kill, symlink, open_no_directory
import muslin._disk.files
muslin._disk.files._WINDOWS = True
"""
EVERYTHING = """
import importlib, pkgutil
import muslin
names = [found.name for found in pkgutil.walk_packages(muslin.__path__, "muslin.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""
COMMANDS = """
from muslin.cli import main
for arguments in {commands!r}:
    try:
        main(arguments)
    except SystemExit as exit_:
        assert not exit_.code, (arguments, exit_.code)
"""


def run(program: str, folder: Path) -> str:
    tools = folder / "no-tools"
    tools.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + program],
        cwd=folder,
        env=os.environ
        | {"PATH": str(tools), "MUSLIN_CACHE": str(folder / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return done.stdout


@pytest.mark.long
def test_every_module_can_be_imported(tmp_path: Path) -> None:
    assert int(run(EVERYTHING, tmp_path)) > 150


def test_analyze_needs_none_of_it(tmp_path: Path) -> None:
    assert "conv1" in run(COMMANDS.format(commands=[["analyze"], ["analyze", "--json"]]), tmp_path)


@pytest.mark.timeout(300)
@pytest.mark.trains
def test_a_run_is_trained_and_found_again_as_the_latest(tmp_path: Path) -> None:
    commands = [
        ["train", "dense_baseline", "--sample", "--epochs", "1", "--device", "cpu"],
        ["evaluate", "latest", "--sample"],
    ]
    out = run(COMMANDS.format(commands=commands), tmp_path)
    (folder,) = (tmp_path / "runs").iterdir()
    assert not (tmp_path / "runs" / "latest").exists()
    assert (folder / "model.safetensors").exists()
    assert (folder / "evaluation.json").exists()
    assert "Test" in out
    assert not [*folder.rglob(".*")]
