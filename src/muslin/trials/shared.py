"""The data set for several processes: memory-mapped files, so that it is in memory once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from muslin.data import Audit, Dataset, Split
from muslin.data.source import Source


def share(data: Dataset, folder: Path) -> None:
    """Write training and validation images to `folder`; the test split stays out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays_of(data).items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    (folder / "about.json").write_text(about(data), encoding="utf-8")


def open_shared(folder: Path) -> Dataset:
    """The data that `share` wrote, mapped into memory, with an empty test split."""
    arrays = {path.stem: _map(path) for path in folder.glob("*.npy")}
    return assemble(arrays, (folder / "about.json").read_text(encoding="utf-8"))


def arrays_of(data: Dataset) -> dict[str, np.ndarray]:
    """The arrays of training and validation, by name."""
    splits = {name: data.splits[name] for name in ("train", "validation")}
    return {f"{name}-{what}": getattr(split, what) for name, split in splits.items() for what in ("images", "labels")}


def about(data: Dataset) -> str:
    """What there is to know about the data besides the arrays, as JSON."""
    content = {
        "class_names": data.class_names,
        "source": data.source.model_dump(mode="json"),
        "audit": data.audit.model_dump(mode="json"),
    }
    return json.dumps(content)


def assemble(arrays: Mapping[str, np.ndarray], described: str) -> Dataset:
    """A data set with an empty test split, from what `arrays_of` and `about` gave."""
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
    # Copy on write: torch asks for memory that it might write to, and never does; the pages stay shared.
    array: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
    return array
