"""A tiny release that stands in for the official one, and a folder that holds it."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np

from helpers import tiny
from muslin.data.places.official import FILES, OfficialFile


def write(folder: Path) -> tuple[OfficialFile, ...]:
    """Write four gzipped files with the official names into `folder`; returns what they must be."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for official in FILES:
        count = 40 if official.name.startswith("train") else 10
        labels, images = np.arange(count) % 2, rng.integers(0, 256, (count, 4, 4), dtype=np.uint8)
        content = tiny.idx_bytes(labels if "labels" in official.name else images)
        (folder / f"{official.name}.gz").write_bytes(gzip.compress(content))
        files.append(OfficialFile(official.name, len(content), hashlib.sha256(content).hexdigest()))
    return tuple(files)
