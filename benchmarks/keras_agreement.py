"""Compare the predictions of exported Keras files in Keras on TensorFlow with the network's in Muslin.

    python benchmarks/keras_agreement.py runs/latest
    python benchmarks/keras_agreement.py runs/latest/model.keras --python /path/to/tensorflow/bin/python

The run's network in torch, and every .keras and .h5 file of the run in Keras on TensorFlow, predict all test images
(10,000 for Fashion-MNIST). TensorFlow runs in a separate environment: one in the user's cache, created on first use
(2.1 GB on Linux), or the one given by --python. Prints the largest difference in probability and the number of images
with a different class; exits with status 1 if a difference exceeds 1e-5 or a class differs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from muslin._disk.cache import cache_folder
from muslin._disk.files import write_text
from muslin.data import load_data
from muslin.errors import MuslinError
from muslin.workflow.trained_run import Run

TOLERANCE = 1e-5  # for probabilities
CHILD = Path(__file__).with_name("_keras_on_tensorflow.py")
SUFFIXES = (".keras", ".h5")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", type=Path, help="a run folder, or a .keras or .h5 file inside one")
    parser.add_argument("--data", type=Path, help="the run's training images, if not in a default folder")
    parser.add_argument("--sample", action="store_true", help="the run was trained on the sample")
    parser.add_argument("--python", type=Path, help="Python with TensorFlow (default: set up in the cache)")
    parser.add_argument("-o", "--out", type=Path, help="JSON file for the results")
    chosen = parser.parse_args()

    folder = chosen.what if chosen.what.is_dir() else chosen.what.parent
    files = [chosen.what] if chosen.what.is_file() else sorted(f for f in folder.iterdir() if f.suffix in SUFFIXES)
    if not files:
        sys.exit(f"{folder} has no .keras or .h5 file. Export one: muslin export {folder} --to keras")
    run = Run.open(folder)
    data = load_data(chosen.data, sample=chosen.sample)
    run.require_same(data)
    images = data.test.images
    expected = run.predict(images)
    found, versions = predict(files, images, chosen.python or tensorflow_python())

    result = {
        "run": run.folder.name,
        "data": str(data.source),
        "images": len(images),
        "tolerance": TOLERANCE,
        "versions": {"torch": run.record.environment.torch, **versions},
        "muslin_accuracy": float((expected.argmax(1) == data.test.labels).mean()),
        "files": {
            file.name: compare(values, expected, data.test.labels) for file, values in zip(files, found, strict=True)
        },
    }
    agree = all(
        entry["largest_difference"] <= TOLERANCE and entry["differing_classes"] == 0
        for entry in result["files"].values()
    )
    result["agree"] = agree
    print(f"{len(images):,} test images, Keras {versions['keras']} on TensorFlow {versions['tensorflow']}:")
    for name, entry in result["files"].items():
        print(
            f"  {name}: largest difference in probability {entry['largest_difference']:.1e}, "
            f"{entry['differing_classes']} images with a different class, accuracy {entry['accuracy']:.2%} "
            f"(in Muslin {result['muslin_accuracy']:.2%})"
        )
    print("They agree." if agree else f"They do NOT agree: allowed are at most {TOLERANCE:.0e} and no other class.")
    if chosen.out:
        write_text(chosen.out, json.dumps(result, indent=2) + "\n")
    return 0 if agree else 1


def compare(found: np.ndarray, expected: np.ndarray, labels: np.ndarray) -> dict[str, float | int]:
    return {
        "largest_difference": float(np.abs(found - expected).max()),
        "differing_classes": int((found.argmax(1) != expected.argmax(1)).sum()),
        "accuracy": float((found.argmax(1) == labels).mean()),
    }


def predict(files: list[Path], images: np.ndarray, python: Path) -> tuple[list[np.ndarray], dict[str, str]]:
    """Return the predictions of Keras on TensorFlow for each file, computed by another Python, and the versions."""
    with tempfile.TemporaryDirectory() as folder:
        pixels, out = Path(folder) / "images.npy", Path(folder) / "predictions.npz"
        np.save(pixels, images.astype(np.float32) / np.float32(255))
        environment = {
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
        }
        done = subprocess.run(
            [python, CHILD, pixels, out, *(file.resolve() for file in files)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{python} could not predict with Keras on TensorFlow:\n{done.stderr}")
        with np.load(out, allow_pickle=False) as arrays:
            keras, tensorflow = arrays["versions"].tolist()
            return [arrays[str(number)] for number in range(len(files))], {"keras": keras, "tensorflow": tensorflow}


def tensorflow_python() -> Path:
    """Return the Python of an environment with TensorFlow and JAX in the user's cache, created if necessary."""
    place = cache_folder("tensorflow")
    ready, python = place / "ready-with-jax", place / "bin" / "python"
    if not ready.exists():
        print(
            f"Setting up TensorFlow and JAX in {place} (once; downloads several hundred megabytes) …",
            file=sys.stderr,
        )
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        # Standard output is reserved for the results.
        subprocess.run([python, "-m", "pip", "install", "--quiet", "tensorflow", "jax"], check=True, stdout=sys.stderr)
        ready.touch()  # last, so that an interrupted setup is repeated
    return python


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MuslinError as problem:
        sys.exit(str(problem))
