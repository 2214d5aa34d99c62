"""Write the index of Fashion-MNIST's images that ships with Muslin, from the official files on this machine.

python tools/fashion_index.py
"""

from __future__ import annotations

import numpy as np

from muslin.data.known import INDEX, digests
from muslin.data.places.sources import SYSTEM_FOLDER
from muslin.data.readers import idx


def main() -> None:
    """Hash all 70,000 images, and save the entries in rising order."""
    contents = idx.read(SYSTEM_FOLDER)
    entries = [digests(part.images) | part.labels.astype(np.uint32) for part in contents.parts]
    index = np.unique(np.concatenate(entries))
    np.save(INDEX, index, allow_pickle=False)
    print(f"{INDEX}: {len(index):,} entries, {INDEX.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
