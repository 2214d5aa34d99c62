"""What the rest of Muslin knows of data: labelled images, split three ways, and where they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from muslin.data.audit import Audit

if TYPE_CHECKING:
    from jaxtyping import Int64, UInt8


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled images of one split.

    Attributes:
        images: pixels 0–255 as uint8, shape (image, height, width, channel). They stay bytes until the batch.
        labels: class numbers from 0, shape (image,).
    """

    images: UInt8[np.ndarray, "image height width channel"]
    labels: Int64[np.ndarray, " image"]

    def __len__(self) -> int:
        """The number of images."""
        return len(self.labels)

    def subset(self, indices: Int64[np.ndarray, " chosen"]) -> Split:
        """The images at `indices`, in that order."""
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images ready to train on: training, validation and test, with names and the audit.

    Attributes:
        train: what the network learns from.
        validation: what every choice is made on; drawn from the training files.
        test: opened once a run, at the end.
        class_names: one name per class number.
        source: where the images came from, in words ("the user's cache", a path).
        audit: what was found when the files were looked over.
    """

    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    source: str
    audit: Audit

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image."""
        height, width, channels = self.train.images.shape[1:]
        return height, width, channels

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @cached_property
    def splits(self) -> Mapping[str, Split]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the shapes, pixels and labels of the three splits: equal data, equal fingerprint."""
        digest = hashlib.sha256()
        for name, split in self.splits.items():
            digest.update(f"{name}{split.images.shape}".encode())
            digest.update(np.ascontiguousarray(split.images).data)
            digest.update(np.ascontiguousarray(split.labels).data)
        return digest.hexdigest()
