"""The images of a data set's files as bytes and class numbers, before validation images are drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from muslin._words import count
from muslin.data.contents import Contents, Part
from muslin.data.pixels import FULL, Scaling, find_scaling
from muslin.data.reading import Reading
from muslin.data.split import Split, draw, groups_of
from muslin.errors import DataError

_LETTERS, _EMNIST_SIDES = (1, 26), (28, 28)  # labels of EMNIST Letters, and the size of its images


@dataclass(frozen=True, eq=False)
class Files:
    """The content of the training and test files as bytes and class numbers, in file order.

    Attributes:
        train: training images.
        test: test images.
        train_name: name of the training labels in messages, e.g. "train-labels-idx1-ubyte.gz".
        test_name: name of the test labels in messages.
        validation: validation images that the files set apart (default None: they are drawn from `train`).
        scaling: range of the pixels in the files (default: 0–255).
        notes: what a person should know about how the files were read, one sentence each (default: nothing).
        items: name of each training image (default: empty, the format has none).

    Raises:
        DataError: if the images of the splits differ in shape.
    """

    train: Split
    test: Split
    train_name: str
    test_name: str
    validation: Split | None = None
    scaling: Scaling = FULL
    notes: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the images of all splits have the same shape."""
        train = self.train.images.shape[1:]
        others = [("test", self.test, f" ({self.test_name})")]
        others += [("validation", self.validation, "")] if self.validation is not None else []
        for kind, split, place in others:
            if split.images.shape[1:] != train:
                raise DataError(
                    f"training images ({self.train_name}) have the shape {_times(train)}, but {kind} images{place} "
                    f"have {_times(split.images.shape[1:])} (height × width × channels). Convert all images to one "
                    "shape."
                )


def with_test(contents: Contents, reading: Reading) -> Contents:
    """Return contents that have labeled test images: their own, or some drawn from the training images.

    Raises:
        DataError: there are none and `test_fraction` is not given, or it is given although there are some; or a class
            has too few images.
    """
    fraction = reading.test_fraction
    if contents.test is not None:
        if fraction is not None:
            raise DataError(
                f"`test_fraction={fraction}` asks for test images drawn from the training images, but the data have "
                f"{count(len(contents.test), 'test image')} of their own ({contents.test.name}). Leave it out."
            )
        return contents
    train = contents.train
    if fraction is None:
        lack = f"the images of {contents.unlabeled} have no labels" if contents.unlabeled else "it has no test images"
        raise DataError(
            f"{train.name} has {count(len(train), 'labeled image')}, but {lack}, so that a network could not be "
            "judged. Pass `test_fraction=0.15` to set 15% of the labeled images aside as the test split."
        )
    groups = groups_of(train.items, reading.group, train.name)
    stays, drawn = draw(train.labels, fraction, reading.split_seed, "test_fraction", groups)
    stays, drawn = without_copies(train.images, stays, drawn)
    notes = [f"{count(len(drawn), 'image')} drawn as the test split ({fraction:.0%}, seed {reading.split_seed})"]
    if contents.unlabeled:
        notes.append(f"the images of {contents.unlabeled} have no labels and were left out")
    return replace(contents, train=train.subset(stays), test=train.subset(drawn), notes=(*contents.notes, *notes))


def without_copies(images: np.ndarray, stays: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move drawn images back that are exact copies of images that stay: they would be leaks.

    Args:
        images: all images.
        stays: indices of the images that stay.
        drawn: indices of the images that were drawn.

    Returns:
        Indices of the images that stay, and of those that are drawn, both in the order given.

    >>> images = np.array([7, 8, 7, 9]).reshape(4, 1, 1, 1)
    >>> without_copies(images, np.array([0, 1]), np.array([2, 3]))
    (array([0, 1, 2]), array([3]))
    """
    known = {images[index].tobytes() for index in stays}
    copies = np.array([images[index].tobytes() in known for index in drawn], bool)
    return np.concatenate([stays, drawn[copies]]), drawn[~copies]


def to_bytes(contents: Contents, reading: Reading) -> tuple[Contents, Scaling]:
    """Bring the pixels of all parts to bytes, by the range that the training images have.

    Raises:
        DataError: the range of the pixels is not known.
    """
    train = contents.train
    scaling = find_scaling(train.images, train.name, reading.pixel_range)
    turned = reading.transpose or contents.transposed
    said = [*contents.notes, *_about_emnist(train, turned=turned)]
    if scaling.changes:
        whose = "as given" if reading.pixel_range else "found on the training images"
        said.append(f"pixels of {scaling} ({whose}) were brought to 0–255")
        others = [part.images for part in contents.parts[1:]]
        beyond = sum(int((images > scaling.high).any(axis=(1, 2, 3)).sum()) for images in others)
        if beyond:
            said.append(f"{count(beyond, 'other image')} with brighter pixels than that range: they were cut off")
    bytes_of = {part: replace(part, images=_bytes(part, scaling, turned=turned)) for part in contents.parts}
    return (
        replace(
            contents,
            train=bytes_of[train],
            test=contents.test and bytes_of[contents.test],
            validation=contents.validation and bytes_of[contents.validation],
            notes=tuple(said),
        ),
        scaling,
    )


def _about_emnist(train: Part, *, turned: bool) -> tuple[str, ...]:
    """Return what was done about rows and columns, or a hint that EMNIST's may be exchanged."""
    if turned:
        return ("the rows and columns of all images were exchanged",)
    letters = train.labels.dtype.kind == "i" and (int(train.labels.min()), int(train.labels.max())) == _LETTERS
    if "emnist" not in train.name.lower() and not (letters and train.images.shape[1:3] == _EMNIST_SIDES):
        return ()
    return ("EMNIST stores its images transposed; if letters lie on their sides, turn them with `transpose=True`",)


def joined(contents: Contents, labels: Sequence[np.ndarray], scaling: Scaling, notes: tuple[str, ...] = ()) -> Files:
    """Join bytes and class numbers.

    Args:
        contents: contents with test images, as bytes.
        labels: class numbers of each part of `contents.parts`.
        scaling: range that the pixels had.
        notes: further notes (default: none).

    Raises:
        DataError: the splits differ in shape.
    """
    splits = [Split(part.images, each) for part, each in zip(contents.parts, labels, strict=True)]
    return Files(
        splits[0],
        splits[-1],
        contents.parts[0].name,
        contents.parts[-1].name,
        splits[1] if contents.validation is not None else None,
        scaling,
        (*contents.notes, *notes),
        contents.train.items,
    )


def _bytes(part: Part, scaling: Scaling, *, turned: bool) -> np.ndarray:
    images = scaling.bytes(part.images)
    if turned:
        images = np.ascontiguousarray(images.transpose(0, 2, 1, 3))
    return images if images.flags.writeable else images.copy()  # writable, as torch expects


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
