"""Looking the files over before anything is trained on them: release, counts, pixels, duplicates, leaks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict

from muslin._display import Described, line
from muslin._words import count
from muslin.data.official import Release, release_of, strangers
from muslin.data.split import Files, Split
from muslin.errors import LeakError

# Of the test images, the share that may also be in the training files before it is called a leak. The official release
# has none, the earlier one 0.1% (10 of 10,000); train on one and test on the other, and it is some 86%.
TOLERATED_OVERLAP = 0.01


class Audit(Described, BaseModel):
    """What was found when the files were looked over; kept in the run as JSON (`model_dump`, `model_validate`).

    Attributes:
        train_release: the Fashion-MNIST release of the training files: "official", "earlier" (the CSV pair),
            "sample" (the one that ships with Muslin, drawn from the official release) or "unknown" (other data).
        test_release: the same of the test files.
        verified: every pixel and label is that of the official release (SHA-256 of the four files' unzipped bytes).
        counts: images per class, for "train", "validation" and "test".
        pixel_mean: mean of all pixels of the training files (train and validation, all channels), on the 0–1 scale.
        pixel_deviation: their standard deviation, on the 0–1 scale.
        duplicates_in_train: images of the training files whose pixels repeat an earlier one's exactly.
        duplicates_in_test: the same within the test files.
        test_images_in_train: test images whose exact pixels are also in the training files.
        leak: why a test accuracy would be too good to be true, in a sentence; None when nothing leaks.
        leak_allowed: the person asked to go on in spite of it (`--allow-leak`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_release: Release
    test_release: Release
    verified: bool
    counts: Mapping[str, tuple[int, ...]]
    pixel_mean: float
    pixel_deviation: float
    duplicates_in_train: int
    duplicates_in_test: int
    test_images_in_train: int
    leak: str | None
    leak_allowed: bool = False

    def __repr__(self) -> str:
        return line(
            "Audit",
            f"train release {self.train_release!r}, test release {self.test_release!r}",
            "verified" if self.verified else "not verified",
            f"{count(self.test_images_in_train, 'test image')} in train",
            "leaks" if self.leak else "no leak",
        )


def audit(files: Files, splits: Mapping[str, Split], *, classes: int, allow_leak: bool = False) -> Audit:
    """Look the files over.

    Args:
        files: training and test files, in file order.
        splits: the splits by name, whose images are counted per class.
        classes: the number of classes.
        allow_leak: note a leak in the audit and go on.

    Raises:
        LeakError: the training and the test files share images that they should not, and `allow_leak` is False.
    """
    train_release, test_release = release_of(files.train), release_of(files.test)
    in_train, in_test = _image_hashes(files.train), _image_hashes(files.test)
    known = set(in_train)
    overlap = sum(image in known for image in in_test)
    leak = _leak(train_release, test_release, overlap, len(files.test))
    if leak and not allow_leak:
        raise LeakError(
            f"{leak} A test accuracy on them would be too good to be true. Take both splits from the same release, "
            "or pass --allow-leak to go on all the same; the report will then say so in red."
        )
    mean, deviation = _pixel_statistics(files.train)
    return Audit(
        train_release=train_release,
        test_release=test_release,
        verified=train_release == test_release == "official" and not any(strangers(files)),
        counts={name: tuple(np.bincount(split.labels, minlength=classes).tolist()) for name, split in splits.items()},
        pixel_mean=mean,
        pixel_deviation=deviation,
        duplicates_in_train=len(in_train) - len(known),
        duplicates_in_test=len(in_test) - len(set(in_test)),
        test_images_in_train=overlap,
        leak=leak,
        leak_allowed=allow_leak and leak is not None,
    )


def _leak(train: Release, test: Release, overlap: int, tests: int) -> str | None:
    # The sample was drawn from the official release, split by split.
    generations = [{"sample": "official"}.get(release, release) for release in (train, test)]
    if "unknown" not in generations and generations[0] != generations[1]:
        return (
            f"The training files are the {generations[0]} release of Fashion-MNIST and the test files the "
            f"{generations[1]} one. The splits of the two overlap: {overlap:,} of these {tests:,} test images are "
            "also in the training files."
        )
    if overlap > TOLERATED_OVERLAP * tests:
        return (
            f"{overlap:,} of the {tests:,} test images ({overlap / tests:.1%}) are also in the training files, pixel "
            f"for pixel; at most {TOLERATED_OVERLAP:.0%} is tolerated."
        )
    return None


def _image_hashes(split: Split) -> list[bytes]:
    """One 128-bit hash for each image: a collision by chance is out of the question (0.1 s for 70,000 images)."""
    return [hashlib.blake2b(image.data, digest_size=16).digest() for image in np.ascontiguousarray(split.images)]


def _pixel_statistics(split: Split) -> tuple[float, float]:
    total = squares = 0.0
    for start in range(0, len(split), 1000):  # chunks: as float64 all pixels at once would take 8 times their memory
        pixels = split.images[start : start + 1000].astype(np.float64).ravel()
        total += float(pixels.sum())
        squares += float(pixels @ pixels)
    mean = total / split.images.size
    variance = max(0.0, squares / split.images.size - mean**2)
    return mean / 255, variance**0.5 / 255
