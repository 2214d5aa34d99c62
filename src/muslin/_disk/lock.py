"""One process at a time: the lock on a folder, and the removal of what dead writers left behind in it."""

from __future__ import annotations

import contextlib
import json
import os
import platform
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from muslin._disk.files import alive, sweep
from muslin.errors import MuslinError, RunError

NAME = ".lock"
_PATIENCE_SECONDS = 5.0  # a dead owner's children may hold its lock a moment longer


class _Owner(NamedTuple):
    pid: int
    host: str

    @property
    def is_dead(self) -> bool:
        return self.host == platform.node() and not alive(self.pid)


@contextlib.contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Hold the folder's lock and remove the temporary files of writers that died.

    The operating system releases the lock when its owner ends, however it ends. The lock file names the owner. A thread
    that holds the lock may enter again; another thread of the same process may not.

    Raises:
        RunError: another process, or another thread of this one, holds the lock.
        MuslinError: the folder is not writable.
    """
    path = folder.resolve() / NAME
    # A singleton with thread-local state: entering again nests within a thread and conflicts between threads.
    lock = FileLock(path, is_singleton=True, on_acquired=_sign)
    if lock.is_locked:
        yield
        return
    try:
        lock.acquire(timeout=_PATIENCE_SECONDS, cancel_check=lambda: _is_held(path))
    except Timeout as error:
        raise _locked(folder, _owner(path)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise MuslinError(
            f"{folder} cannot be locked: {reason}. Choose a folder on a local disk that you may write to."
        ) from error
    try:
        sweep(folder)
        yield
    finally:
        with contextlib.suppress(OSError):  # while it is held, so that nobody else's lock is removed;
            path.unlink()  # Windows refuses, and filelock removes the file after the release
        lock.release()


# Windows locks the first byte against reading, so the owner's name begins after a space.
def _sign(descriptor: int) -> None:
    owner = {"pid": os.getpid(), "host": platform.node(), "since": datetime.now().isoformat(" ", "seconds")}
    os.ftruncate(descriptor, 0)
    os.write(descriptor, b" " + json.dumps(owner).encode())


def _owner(path: Path) -> _Owner | None:
    """The owner that the lock file names; None if it has not signed yet."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(1)
            content = json.loads(file.read(1000))
        return _Owner(int(content["pid"]), str(content["host"])[:60])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _is_held(path: Path) -> bool:
    owner = _owner(path)
    return owner is not None and not owner.is_dead


def _locked(folder: Path, owner: _Owner | None) -> RunError:
    if owner == (os.getpid(), platform.node()):
        return RunError(f"{folder} is locked by another thread of this process. Wait for it to finish.")
    named = f" (pid {owner.pid} on {owner.host})" if owner else ""
    return RunError(
        f"{folder} is locked by another process{named}. Wait for it to finish, or terminate it to release the lock."
    )
