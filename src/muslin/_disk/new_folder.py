"""Making a run's folder, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from muslin._disk.files import flush, make_folder, sweep
from muslin.errors import MuslinError


def new_folder(parent: Path, name: str, begin: Callable[[Path], None]) -> Path:
    """A folder that did not exist before, with what `begin` writes: two runs in one second get different ones.

    It is made under another name, and gets its own when it is whole: a folder without run.json is never seen.

    Raises:
        MuslinError: it can't be made.
    """
    staging: Path | None = None
    try:
        make_folder(parent)
        sweep(parent, deep=False)
        staging = Path(tempfile.mkdtemp(prefix=f".{name}-{os.getpid()}-", suffix=".torn", dir=parent))
        staging.chmod(parent.stat().st_mode & 0o777)
        begin(staging)
        for attempt in range(1, 1000):
            path = parent / (name if attempt == 1 else f"{name}-{attempt}")
            if path.exists():
                continue
            try:
                staging.rename(path)
            except OSError as error:
                if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # another process was faster
                    continue
                raise
            flush(parent)
            return path.resolve()
    except OSError as error:
        raise MuslinError(
            f"the run folder {parent / name} can't be made: {error.strerror}. Choose one that you may write to "
            "(-o/--out)."
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
    raise MuslinError(f"there are too many runs called {name} under {parent}. Choose another folder (-o/--out).")
