"""One process at a time: the lock on a folder that is being worked on, and what those that died left behind in it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from muslin._disk.files import alive, sweep
from muslin.errors import MuslinError, RunError

NAME = ".lock"
_PATIENCE_SECONDS = 5.0

_held: set[tuple[int, Path]] = set()  # by thread: a verb that holds a folder may call another one on it


@contextlib.contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, and clear away what writers that died left in the folder.

    The system gives the lock back when its owner ends, however it ends; whose lock it was, its file tells.

    Raises:
        RunError: another process, or another thread of this one, holds it.
        MuslinError: the folder can't be written.
    """
    mine = (threading.get_ident(), folder.resolve())
    if mine in _held:
        yield
        return
    path = folder / NAME
    descriptor = _acquired(path)
    _held.add(mine)
    try:
        sweep(folder)
        yield
    finally:
        _held.discard(mine)
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)


def _acquired(path: Path) -> int:
    patience = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            reason = f"{error.strerror}. Is it yours to write to?"
            raise MuslinError(f"{path.parent} can't be worked in: {reason}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _still_there(path, descriptor):
                owner = {"pid": os.getpid(), "host": platform.node(), "since": datetime.now().isoformat(" ", "seconds")}
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps(owner).encode(), 0)
                return descriptor
        except BlockingIOError as error:
            content = os.pread(descriptor, 1000, 0)
            os.close(descriptor)
            if _is_dead(content) and time.monotonic() < patience:
                time.sleep(0.05)
                continue
            owner_text = _describe(content)
            raise RunError(
                f"{path.parent} is being worked on by another process{owner_text}. Wait until it is done, or end it: "
                "its lock goes with it."
            ) from error
        except OSError as error:
            os.close(descriptor)
            raise MuslinError(f"{path} can't be locked: {error.strerror}. Choose a folder on a local disk.") from error
        os.close(descriptor)  # its owner removed it while we waited for it


def _still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _is_dead(content: bytes) -> bool:
    """Whether the owner is known to be gone: what it started may hold the lock for a moment longer."""
    try:
        owner = json.loads(content)
        return bool(owner["host"] == platform.node() and not alive(int(owner["pid"])))
    except (ValueError, KeyError, TypeError, RecursionError):
        return True  # it has only just got the lock, and not written its name


def _describe(content: bytes) -> str:
    try:
        owner = json.loads(content)
        return f" (number {int(owner['pid'])} on {owner['host']!s:.60}, since {owner['since']!s:.30})"
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
