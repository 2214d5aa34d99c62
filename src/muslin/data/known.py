"""Whether images are Fashion-MNIST's, in any order and any subset, told by a hash of each image.

The index that ships with Muslin holds 28 bits of the hash of each of the 70,000 images of the official release, and its
label. The earlier release has the same images but for about 50; so has any pair of files cut from either.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muslin.data.places.official import CLASS_NAMES

if TYPE_CHECKING:
    from jaxtyping import Int64, UInt8, UInt32

INDEX = Path(__file__).parent / "sample" / "fashion-mnist-index.npy"
# A stranger's image is taken for known with a chance of 70,000 / 2²⁸ = 0.03%; a set of strangers never is.
LEAST_SHARE = 0.95
_SIDES = (28, 28)
_LABEL_BITS = 4


def share_of_fashion(images: UInt8[np.ndarray, "image height width channel"]) -> float:
    """Return the share of images that are Fashion-MNIST's, 0–1. Gray images in three equal channels count as well."""
    return float(_known(images)[1].mean()) if _comparable(images) else 0.0


def are_fashion(images: UInt8[np.ndarray, "image height width channel"]) -> bool:
    """Whether nearly all images (`LEAST_SHARE`) are Fashion-MNIST's."""
    return share_of_fashion(images) >= LEAST_SHARE


def labels_are_fashion(
    images: UInt8[np.ndarray, "image height width channel"], labels: Int64[np.ndarray, " image"]
) -> bool:
    """Whether nearly all images are Fashion-MNIST's with the labels that they have there."""
    if labels.min() < 0 or labels.max() >= len(CLASS_NAMES) or not _comparable(images):
        return False
    own, known = _known(images)
    return float((known & (own == labels)).mean()) >= LEAST_SHARE


def digests(images: UInt8[np.ndarray, "image height width channel"]) -> UInt32[np.ndarray, " image"]:
    """Return 28 bits of each image's BLAKE2b hash, shifted to leave room for a label."""
    rows = np.ascontiguousarray(images[..., 0])
    hashed = b"".join(hashlib.blake2b(row.data, digest_size=4).digest() for row in rows)
    return np.frombuffer(hashed, "<u4") >> _LABEL_BITS << _LABEL_BITS


def _comparable(images: UInt8[np.ndarray, "image height width channel"]) -> bool:
    return (
        images.dtype == np.uint8
        and images.shape[1:3] == _SIDES
        and len(images) > 0
        and bool((images == images[..., :1]).all())
    )


def _known(
    images: UInt8[np.ndarray, "image height width channel"],
) -> tuple[Int64[np.ndarray, " image"], UInt8[np.ndarray, " image"]]:
    """Return the label of each image in Fashion-MNIST, and whether it is there."""
    index = _index()
    found = digests(images)
    at = np.minimum(np.searchsorted(index, found), len(index) - 1)
    entry = index[at]
    return (entry & ((1 << _LABEL_BITS) - 1)).astype(np.int64), entry >> _LABEL_BITS == found >> _LABEL_BITS


@functools.cache
def _index() -> UInt32[np.ndarray, " entry"]:
    index: np.ndarray = np.load(INDEX, allow_pickle=False)
    return index
