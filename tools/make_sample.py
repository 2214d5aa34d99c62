"""Draw the sample that ships with Muslin from the official release.

    python tools/make_sample.py [FOLDER WITH THE OFFICIAL FILES]

The sample has equal numbers of images per class, in the order of the original files. Every call writes the same file.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np

from muslin._disk.files import replacing
from muslin.data import load_data
from muslin.data.contents import Part
from muslin.data.places.sources import SAMPLE, find

SEED = 2017
TRAIN_PER_CLASS, TEST_PER_CLASS = 200, 50


def draw(split: Part, per_class: int, rng: np.random.Generator) -> Part:
    chosen = [rng.choice(np.flatnonzero(split.labels == label), per_class, replace=False) for label in range(10)]
    return split.subset(np.sort(np.concatenate(chosen)))


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if not load_data(path).audit.verified:
        sys.exit("the data are not the official release, which the sample must be drawn from. Pass its folder.")
    contents = find(path).contents
    rng = np.random.default_rng(SEED)
    train, test = draw(contents.train, TRAIN_PER_CLASS, rng), draw(contents.test, TEST_PER_CLASS, rng)
    with replacing(SAMPLE) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            x_train=train.images[..., 0],
            y_train=train.labels.astype(np.uint8),
            x_test=test.images[..., 0],
            y_test=test.labels.astype(np.uint8),
        )
    print(f"{SAMPLE}: {SAMPLE.stat().st_size:,} bytes")
    for name, part in (("training", train), ("test", test)):
        print(f"SHA-256 of the {name} labels: {hashlib.sha256(part.labels.astype(np.uint8)).hexdigest()}")


if __name__ == "__main__":
    main()
