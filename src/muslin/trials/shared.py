"""Sharing of a data set between processes as memory-mapped files, so that it is in memory only once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from muslin.data import Audit, Dataset, Split
from muslin.data.source import Source


def share(data: Dataset, folder: Path) -> None:
    """Write the training and validation splits to `folder`, without the test split."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays_of(data).items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    (folder / "about.json").write_text(about(data), encoding="utf-8")


def open_shared(folder: Path) -> Dataset:
    """Open the data that `share` wrote, memory-mapped, with an empty test split."""
    arrays = {path.stem: _map(path) for path in folder.glob("*.npy")}
    return assemble(arrays, (folder / "about.json").read_text(encoding="utf-8"))


def arrays_of(data: Dataset) -> dict[str, np.ndarray]:
    """Return the arrays of the training and validation splits by name."""
    splits = {name: data.splits[name] for name in ("train", "validation")}
    return {f"{name}-{what}": getattr(split, what) for name, split in splits.items() for what in ("images", "labels")}


def about(data: Dataset) -> str:
    """Return the metadata of the data set (class names, source, audit) as JSON."""
    content = {
        "class_names": data.class_names,
        "source": data.source.model_dump(mode="json"),
        "audit": data.audit.model_dump(mode="json"),
    }
    return json.dumps(content)


def assemble(arrays: Mapping[str, np.ndarray], described: str) -> Dataset:
    """Build a data set with an empty test split from the results of `arrays_of` and `about`."""
    content = json.loads(described)
    train, validation = (Split(arrays[f"{name}-images"], arrays[f"{name}-labels"]) for name in ("train", "validation"))
    return Dataset(
        train,
        validation,
        Split(np.zeros((0, *validation.images.shape[1:]), np.uint8), np.zeros(0, np.int64)),
        class_names=tuple(content["class_names"]),
        source=Source.model_validate(content["source"]),
        audit=Audit.model_validate(content["audit"]),
    )


def _map(path: Path) -> np.ndarray:
    # Copy-on-write: torch requires writable memory but never writes to it, so the pages stay shared.
    array: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
    return array
