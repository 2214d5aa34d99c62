"""Writing files so that they are whole or absent."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from muslin.errors import MuslinError

_TORN = re.compile(r"\..*-(\d{1,10})-[a-z0-9_]{8}\.torn(\..+)?")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success flush it to disk and rename it into place.

    The reader of `path` sees the old file or the new one, never a part. If the block raises, the temporary file is
    removed and `path` is untouched. An operating-system error (disk full, read-only) becomes a `MuslinError` that names
    `path`.
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
            f"{path} can't be written: {_reason(error)}. Free some space or choose a place that you may write to."
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):  # swept away at the next start
                temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, content.encode())


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where there is none, so that they outlast a loss of power.

    Raises:
        OSError: it can't be made.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    flush(path.parent)


def sweep(folder: Path, *, deep: bool = True) -> None:
    """Remove what writers that have died since left in a folder and, if `deep`, in those below it."""
    with contextlib.suppress(OSError):  # what can't be removed does no harm
        for path in [*(folder.rglob if deep else folder.glob)(".*.torn*")]:
            found = _TORN.fullmatch(path.name)
            if found and not alive(int(found[1])):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def flush(path: Path) -> None:
    """Wait until a file or a directory is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    """Why, in the system's words: a library that raised it may have said it at length."""
    return os.strerror(error.errno) if error.errno else str(error)


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
