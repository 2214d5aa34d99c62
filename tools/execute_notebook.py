"""Execute notebooks/fashion_mnist.ipynb in place: `make notebook`.

Its runs go to a temporary folder. With --sample the notebook uses the small data set and is not saved; the tests use
this option.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "fashion_mnist.ipynb"


def execute(folder: Path) -> nbformat.NotebookNode:
    """Execute the notebook with `folder` as its working directory, and return it."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook, timeout=1800, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    for cell in notebook.cells:
        cell.get("metadata", {}).pop("execution", None)  # times, which differ in every execution
    return notebook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", action="store_true", help="use the sample and do not save the notebook")
    sample = parser.parse_args().sample
    with tempfile.TemporaryDirectory() as folder:
        if sample:
            os.environ["MUSLIN_DATA"] = str(write_sample(Path(folder)))
        notebook = execute(Path(folder))
    if not sample:
        nbformat.write(notebook, NOTEBOOK)


def write_sample(folder: Path) -> Path:
    """Write the sample to an .npz file for MUSLIN_DATA."""
    import numpy as np  # noqa: PLC0415  (only for the tests)

    from muslin.data import load_data  # noqa: PLC0415

    data = load_data(sample=True)
    path = folder / "sample.npz"
    images = np.concatenate([data.train.images, data.validation.images])
    labels = np.concatenate([data.train.labels, data.validation.labels])
    np.savez(path, x_train=images, y_train=labels, x_test=data.test.images, y_test=data.test.labels)
    return path


if __name__ == "__main__":
    main()
