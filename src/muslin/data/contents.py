"""What a reader finds in files, before pixels become bytes and labels become class numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Num

Labels: TypeAlias = "np.ndarray[Any, Any]"  # whole numbers (int64) or text, shape (image,)


@dataclass(frozen=True, eq=False)
class Part:
    """The images of one split as their files have them.

    Attributes:
        images: pixels in any numeric type, shape (image, height, width, channel); 1 or 3 channels.
        labels: whole numbers or text, shape (image,).
        name: name of the file or folder with the labels, for messages.
        items: name of each image, such as its path inside the folder (default: empty, the format has none).
    """

    images: Num[np.ndarray, "image height width channel"]
    labels: Labels
    name: str
    items: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def subset(self, indices: np.ndarray) -> Part:
        """Select images by index, in the given order."""
        items = tuple(self.items[index] for index in indices) if self.items else ()
        return Part(self.images[indices], self.labels[indices], self.name, items)


@dataclass(frozen=True, eq=False)
class Contents:
    """The content of the files of one data set.

    Attributes:
        train: training images, in file order.
        test: test images, in file order; None if the files have none.
        validation: validation images that the files set apart (default None: they are drawn from `train`).
        class_names: names of the classes by number, for labels that are numbers (default None: the files name none).
        notes: what a person should know about how the files were read, one sentence each (default: nothing).
        ground: gray value that was put behind transparent pixels and beside fitted pictures (default None: no picture
            needed one).
        transposed: whether rows and columns are known to be exchanged in the files (default False).
        unlabeled: name of the file or folder with images that have no labels, which were not read (default: none).
    """

    train: Part
    test: Part | None
    validation: Part | None = None
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    ground: int | None = None
    transposed: bool = False
    unlabeled: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that exist: training, validation, test."""
        return tuple(part for part in (self.train, self.validation, self.test) if part is not None)
