"""Execute notebooks/fashion_mnist.ipynb in place: `make notebook`.

The runs go to a temporary folder, and no path of this machine remains in the notebook. With --sample the small data set
is used and the notebook is not changed; the tests do that, and --out keeps the result.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "fashion_mnist.ipynb"
TIMEOUT = 1800  # seconds for one cell


def execute(folder: Path) -> nbformat.NotebookNode:
    """Return the notebook, executed with `folder` as its working directory."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    for cell in notebook.cells:
        cell.get("metadata", {}).pop("execution", None)  # times of day, which would change with every execution
        for output in cell.get("outputs", []):
            output.pop("transient", None)
    notebook.metadata["language_info"] = {"name": "python"}  # not the version of this machine's Python
    nbformat.validate(notebook)
    return notebook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", action="store_true", help="use the sample; the notebook is not changed")
    parser.add_argument("--out", type=Path, help="file to write the executed notebook to (default: in place)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.sample:
            os.environ["MUSLIN_DATA"] = str(write_sample(Path(folder)))
        notebook = execute(Path(folder).resolve())
    out = options.out or (None if options.sample else NOTEBOOK)
    if out is not None:
        nbformat.write(notebook, out)


def write_sample(folder: Path) -> Path:
    """Write the sample as an .npz file for MUSLIN_DATA, and return its path."""
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
