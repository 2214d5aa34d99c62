"""Expensive things are made once in a session of tests, whichever process needs them first."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """A temporary folder that all processes of this session share."""
    mine = factory.getbasetemp()
    return mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that is filled once a session; who changes anything in it makes a copy.

    Args:
        factory: pytest's fixture `tmp_path_factory`.
        name: name of the folder, unique in the session.
        make: fills the empty folder that it gets.
    """
    master = shared_folder(factory) / f"{name}-made-once"
    with FileLock(f"{master}.lock"):
        if not (done := master.with_suffix(".done")).exists():
            shutil.rmtree(master, ignore_errors=True)  # of a process that failed in the middle
            master.mkdir()
            make(master)
            done.touch()
    return master
