"""Atomic writes: a file is either complete or absent."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from muslin.errors import MuslinError

_WINDOWS = os.name == "nt"
_TORN = re.compile(r"\..*-(\d{1,10})-[a-z0-9_]{8}\.torn(\..+)?")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it to disk and rename it into place.

    A reader of `path` sees the old file or the new one, never a part. If the block raises, the temporary file is
    removed and `path` is unchanged.

    Raises:
        MuslinError: the operating system reports an error (disk full, read-only); the message names `path`.
    """
    temporary: Path | None = None
    try:
        make_folder(path.parent)
        prefix = f".{path.stem}-{os.getpid()}-"
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=f".torn{path.suffix}", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o666 & ~_umask())
        yield temporary
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)
    except OSError as error:
        raise MuslinError(
            f"{path} cannot be written: {_reason(error)}. Free some space, or choose a folder that you may write to."
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):  # swept away at the next start
                temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` atomically, as UTF-8."""
    write_bytes(path, content.encode())


def make_folder(path: Path) -> None:
    """Create a folder and its parents where missing, so that they survive a power failure.

    Raises:
        OSError: the folder cannot be created.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    flush(path.parent)


def sweep(folder: Path, *, deep: bool = True) -> None:
    """Remove the temporary files of dead writers from a folder and, if `deep`, from its subfolders."""
    with contextlib.suppress(OSError):  # a leftover file does no harm
        for path in [*(folder.rglob if deep else folder.glob)(".*.torn*")]:
            found = _TORN.fullmatch(path.name)
            if found and not alive(int(found[1])):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """Whether a process with this number exists."""
    # On Windows, os.kill(pid, 0) would interrupt the process instead of looking for it.
    import psutil  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415  (30 ms; only what is swept needs it)

    return bool(psutil.pid_exists(pid))


def flush(path: Path) -> None:
    """Wait until a file or a directory is on the disk.

    Windows has no call to flush a directory (its file systems keep a journal of names), and flushes only files that are
    open for writing.
    """
    if _WINDOWS and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if _WINDOWS else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    """The operating system's reason, without the library's own wording around it."""
    return os.strerror(error.errno) if error.errno else str(error)


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
