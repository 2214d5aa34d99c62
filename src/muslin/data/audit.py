"""The data audit before training: release, class counts, pixel statistics, duplicates and leaks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict

from muslin._display import Described, line
from muslin._words import count
from muslin.data.files import Files
from muslin.data.known import LEAST_SHARE, share_of_fashion
from muslin.data.places.official import Release, release_of, strangers
from muslin.data.split import Split
from muslin.errors import LeakError

# Largest share of test images that may also be in the training files; more counts as a leak. The share is 0 in the
# official release and 0.1% (10 of 10,000) in the earlier one. Across the two releases it is about 86%.
TOLERATED_OVERLAP = 0.01


class Audit(Described, BaseModel):
    """The results of the data audit; stored in the run as JSON (`model_dump`, `model_validate`).

    Attributes:
        train_release: Fashion-MNIST release of the training files: "official", "earlier" (the CSV pair), "sample"
            (the sample that ships with Muslin, drawn from the official release) or "unknown" (other data).
        test_release: Fashion-MNIST release of the test files, with the same values.
        verified: whether every pixel and label equals that of the official release (SHA-256 of the unzipped bytes of
            the four files).
        counts: numbers of images per class, for "train", "validation" and "test".
        pixel_mean: mean of all pixels of the training files (training and validation, all channels), 0–1.
        pixel_deviation: standard deviation of the same pixels, on the 0–1 scale.
        duplicates_in_train: number of images in the training files that are exact copies of an earlier one.
        duplicates_in_test: number of images in the test files that are exact copies of an earlier one.
        test_images_in_train: number of test images whose exact pixels are also in the training files.
        leak: reason why the test accuracy would be inflated, in one sentence; None if there is no leak.
        leak_allowed: whether a leak was accepted with `allow_leak=True` (default False).
        fashion_share: share of the training images that are Fashion-MNIST's, 0–1, told by a hash of each image;
            None in run folders of Muslin 0.1.
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
    fashion_share: float | None = None

    @property
    def is_fashion(self) -> bool:
        """Whether the training images are known to be Fashion-MNIST's, in any order and any subset."""
        if self.fashion_share is None:
            return self.train_release != "unknown"
        return self.fashion_share >= LEAST_SHARE

    def __repr__(self) -> str:
        return line(
            "Audit",
            f"train release {self.train_release!r}, test release {self.test_release!r}",
            "verified" if self.verified else "not verified",
            f"{count(self.test_images_in_train, 'test image')} in train",
            "leaks" if self.leak else "no leak",
        )


def audit(files: Files, splits: Mapping[str, Split], *, classes: int, allow_leak: bool = False) -> Audit:
    """Audit the files.

    Args:
        files: images and labels of the training and test files, in file order.
        splits: splits by name, whose images are counted per class.
        classes: number of classes.
        allow_leak: whether to record a leak in the audit instead of raising an error (default False).

    Raises:
        LeakError: if the training and test files share too many images, and `allow_leak` is False.
    """
    train_release, test_release = release_of(files.train), release_of(files.test)
    in_train, in_test = _image_hashes(files.train), _image_hashes(files.test)
    known = set(in_train)
    overlap = sum(image in known for image in in_test)
    leak = _leak(train_release, test_release, overlap, len(files.test))
    if leak and not allow_leak:
        raise LeakError(
            f"{leak[0].lower()}{leak[1:]} The test accuracy would be inflated. Use both splits of the same release, or "
            "pass `allow_leak=True` to continue; the report will then show a warning."
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
        fashion_share=share_of_fashion(files.train.images),
    )


def _leak(train: Release, test: Release, overlap: int, tests: int) -> str | None:
    # The sample was drawn from the official release, split by split.
    generations = [{"sample": "official"}.get(release, release) for release in (train, test)]
    if "unknown" not in generations and generations[0] != generations[1]:
        return (
            f"The training files are from the {generations[0]} release of Fashion-MNIST, but the test files are from "
            f"the {generations[1]} release. Their splits overlap: {overlap:,} of the {tests:,} test images are also in "
            "the training files."
        )
    if overlap > TOLERATED_OVERLAP * tests:
        return (
            f"{overlap:,} of the {tests:,} test images ({overlap / tests:.1%}) are exact copies of training images; "
            f"at most {TOLERATED_OVERLAP:.0%} is allowed."
        )
    return None


def _image_hashes(split: Split) -> list[bytes]:
    """Hash each image with 128 bits, which makes chance collisions negligible (0.1 s for 70,000 images)."""
    return [hashlib.blake2b(image.data, digest_size=16).digest() for image in np.ascontiguousarray(split.images)]


def _pixel_statistics(split: Split) -> tuple[float, float]:
    total = squares = 0.0
    for start in range(0, len(split), 1000):  # in chunks, since float64 takes 8 times the memory of bytes
        pixels = split.images[start : start + 1000].astype(np.float64).ravel()
        total += float(pixels.sum())
        squares += float(pixels @ pixels)
    mean = total / split.images.size
    variance = max(0.0, squares / split.images.size - mean**2)
    return mean / 255, variance**0.5 / 255
