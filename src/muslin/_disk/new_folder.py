"""Creating a run's folder atomically."""

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
    """Create a new folder with the files that `begin` writes.

    The folder is prepared under a temporary name and renamed when complete, so a folder without run.json is never
    visible. A name that is taken gets a number: two runs that start in one second get different folders.

    Args:
        parent: folder to create it in.
        name: name of the new folder.
        begin: function that writes the first files into the folder it is given.

    Returns:
        Absolute path of the new folder.

    Raises:
        MuslinError: the folder cannot be created.
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
                if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # another process took the name
                    continue
                raise
            flush(parent)
            return path.resolve()
    except OSError as error:
        raise MuslinError(
            f"run folder {parent / name} cannot be created: {error.strerror}. Choose a folder that you may write to."
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
    raise MuslinError(f"{parent} already holds 999 runs named {name}. Choose another folder.")
