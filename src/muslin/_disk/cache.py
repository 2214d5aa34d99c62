"""The user's cache: fetched data, compiled operators, what was measured of the machine."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "MUSLIN_CACHE"


def cache_folder(part: str) -> Path:
    """One part of the cache, which may not exist yet: under $MUSLIN_CACHE, or the system's folder for caches.

    Args:
        part: a name such as "fashion-mnist" or "operators".
    """
    from platformdirs import user_cache_path  # noqa: PLC0415  (not needed when a path is given)

    chosen = os.environ.get(CACHE_VARIABLE)
    return (Path(chosen) if chosen else user_cache_path("muslin", appauthor=False)) / part
