"""A data set: labeled images in three splits, and where they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from muslin._display import line, panel, paragraph, table
from muslin._words import count, listed
from muslin.data.audit import Audit
from muslin.data.pixels import FULL, Scaling
from muslin.data.reading import AS_IS, Reading
from muslin.data.source import Source
from muslin.data.split import Split

_NAMED = 12  # classes that a notebook names


@dataclass(frozen=True)
class Place:
    """A place that was searched for images.

    Attributes:
        name: name of the place, e.g. "MUSLIN_DATA" or "your cache (/home/ada/.cache/muslin)".
        outcome: what was found there, e.g. "not set", "found".
    """

    name: str
    outcome: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images ready to train on: training, validation and test, with names and the audit.

    Attributes:
        train: images that the network learns from.
        validation: images for every choice; drawn from the training files.
        test: images for the final accuracy; opened once a run, at the end.
        class_names: name of each class, by class number.
        source: where the images came from.
        audit: results of the checks on the files.
        lookup: every place that was searched, in order; the last one has the images (default: empty).
        reading: how the files were read (default: as `Reading`'s defaults).
        scaling: range of the pixels in the files (default: 0–255).
        ground: gray value that was put behind transparent pixels, 0–255 (default None: no pixel was transparent).
        notes: what a person should know about how the files were read, one sentence each (default: nothing).
        own_validation: whether the files set the validation images apart (default False: they were drawn).
    """

    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    source: Source
    audit: Audit
    lookup: tuple[Place, ...] = ()
    reading: Reading = AS_IS
    scaling: Scaling = FULL
    ground: int | None = None
    notes: tuple[str, ...] = ()
    own_validation: bool = False

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(split):,} {name}" for name, split in self.splits.items())
        shape = "×".join(str(side) for side in self.input_shape)
        classes = count(self.classes, "class", "classes")
        return line("Dataset", f"{sizes} images of {shape}", classes, f"from {self.source}")

    def _repr_html_(self) -> str:
        rows = []
        for name, split in self.splits.items():
            each = np.bincount(split.labels, minlength=self.classes)
            least, most = int(each.min()), int(each.max())
            rows.append((name, f"{len(split):,}", f"{least:,}" if least == most else f"{least:,}–{most:,}"))
        audit = self.audit
        found = [
            f"pixel mean {audit.pixel_mean:.4f}, standard deviation {audit.pixel_deviation:.4f}",
            f"{count(audit.test_images_in_train, 'test image')} also in the training files",
        ]
        names = listed(self.class_names[:_NAMED])
        more = f" and {len(self.class_names) - _NAMED} more" if len(self.class_names) > _NAMED else ""
        return panel(
            f"{'×'.join(str(side) for side in self.input_shape)} images",
            f"in {count(self.classes, 'class', 'classes')}, from {self.source}",
            table(("split", "images", "per class"), rows),
            paragraph(f"Classes: {names}{more}."),
            paragraph(f"Audit: {'; '.join(found)}.{f' Leak: {audit.leak}' if audit.leak else ''}"),
        )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image."""
        height, width, channels = self.train.images.shape[1:]
        return height, width, channels

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @cached_property
    def splits(self) -> Mapping[str, Split]:
        """The three splits, by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def border(self) -> tuple[int, ...]:
        """Median value of each channel along the borders of the training images, 0–255: their usual background."""
        images = self.train.images
        edges = [images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]]
        pixels = np.concatenate([edge.reshape(-1, images.shape[-1]) for edge in edges])
        return tuple(int(value) for value in np.median(pixels, axis=0))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the shapes, pixels and labels of the three splits: equal data, equal fingerprint."""
        digest = hashlib.sha256()
        for name, split in self.splits.items():
            digest.update(f"{name}{split.images.shape}".encode())
            digest.update(np.ascontiguousarray(split.images).data)
            digest.update(np.ascontiguousarray(split.labels).data)
        return digest.hexdigest()
