"""Fashion-MNIST: its four files with their hashes, its releases and its class names.

Fashion-MNIST exists in two generations whose train and test splits overlap. The official one is the cleaned release of
31 August 2017 (MIT license, Zalando SE). The widespread CSV pair was cut from the earlier one.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from muslin.data.contents import Contents
from muslin.data.files import Files
from muslin.data.readers._reading import unzipped
from muslin.data.split import Split
from muslin.errors import DataError

_CHUNK = 2**20  # bytes
_HEADER_BYTES = 2**10

Release = Literal["official", "earlier", "sample", "unknown"]

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataclass(frozen=True)
class OfficialFile:
    """One file of the official release.

    Attributes:
        name: file name without `.gz`.
        size: unzipped size in bytes.
        sha256: SHA-256 of the unzipped bytes; gzip headers differ between distributors.
    """

    name: str
    size: int
    sha256: str

    @property
    def stored(self) -> str:
        """Name on disk and at the mirrors."""
        return f"{self.name}.gz"

    @property
    def most(self) -> int:
        """Largest size of the gzipped file in bytes: gzip's header comes on top of what it cannot shorten."""
        return self.size + _HEADER_BYTES

    def verify(self, path: Path) -> None:
        """Check that the unzipped bytes of `path` are those of this file; one byte more than its size is unzipped.

        Raises:
            DataError: the bytes differ, or the file cannot be read.
        """
        digest = hashlib.sha256()
        left = self.size + 1
        with unzipped(path) as stream:
            while left and (chunk := stream.read(min(_CHUNK, left))):
                digest.update(chunk)
                left -= len(chunk)
        if digest.hexdigest() != self.sha256:
            found = digest.hexdigest()[:12]
            raise DataError(f"{self.name} is not the official file: its SHA-256, unzipped, is {found}….")


# Small files first, so that a broken mirror fails before 26 MB are transferred.
FILES = (
    OfficialFile("t10k-labels-idx1-ubyte", 10_008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    OfficialFile("train-labels-idx1-ubyte", 60_008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
    OfficialFile(
        "t10k-images-idx3-ubyte", 7_840_016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    OfficialFile(
        "train-images-idx3-ubyte", 47_040_016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
)

# SHA-256 of the labels as bytes, in file order: of the training files, then of the test files.
LABEL_HASHES: dict[str, Release] = {
    "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7": "official",
    "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9": "official",
    "08234e4721389732c9ebcb39c414f1950e8c825032ff57f19f6f3a7790b2a04d": "earlier",
    "d4d3815b46ea2e06fde4f5b2ce0510a726fc01155a36a0dd781bfc474e0b74a6": "earlier",
    "0c81dc7c0002116cbd42630ea89b40e4827ee341800e5141fc8f02749617aac6": "sample",
    "253599f42f835a2cc7298a1010a15d7a71cc883478455bc7fc46407c6b0aa2f1": "sample",
}


def release_of(split: Split) -> Release:
    """Return the release that a split's labels, in file order, belong to."""
    if not len(split) or split.labels.max() > 255 or split.labels.min() < 0:
        return "unknown"
    digest = hashlib.sha256(split.labels.astype(np.uint8).data).hexdigest()
    return LABEL_HASHES.get(digest, "unknown")


def strangers(files: Files | Contents, official: Sequence[OfficialFile] = FILES) -> Iterator[str]:
    """Yield the names of the `official` files whose bytes differ from the data; none if all data are official.

    The data are serialized as IDX (header, then bytes) and hashed, so their original format does not matter.
    """
    if files.test is None:
        yield from (file.name for file in official)
        return
    actual = {
        "t10k-labels-idx1-ubyte": _idx_sha256(files.test.labels),
        "train-labels-idx1-ubyte": _idx_sha256(files.train.labels),
        "t10k-images-idx3-ubyte": _idx_sha256(files.test.images),
        "train-images-idx3-ubyte": _idx_sha256(files.train.images),
    }
    for file in official:
        if actual[file.name] != file.sha256:
            yield file.name


def _idx_sha256(values: np.ndarray) -> str:
    if not np.issubdtype(values.dtype, np.integer):
        return ""
    shape = values.shape[:3]
    digest = hashlib.sha256(struct.pack(f">2xBB{len(shape)}I", 8, len(shape), *shape))
    digest.update(np.ascontiguousarray(values, dtype=np.uint8).data)
    return digest.hexdigest()
