"""The user's cache: downloaded data, compiled operators, measurements of the machine."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "MUSLIN_CACHE"


def cache_folder(part: str) -> Path:
    """Folder of one part of the cache: under $MUSLIN_CACHE if set, else in the system's cache folder.

    Args:
        part: name of the part, such as "fashion-mnist" or "operators".

    Returns:
        Path of the folder, which may not exist yet.
    """
    from platformdirs import user_cache_path  # noqa: PLC0415  (not needed when a path is given)

    chosen = os.environ.get(CACHE_VARIABLE)
    return (Path(chosen) if chosen else user_cache_path("muslin", appauthor=False)) / part
