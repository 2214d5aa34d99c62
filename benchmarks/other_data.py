"""Accuracy on images that are not Fashion-MNIST's, with the defaults: three seeds each, the test split opened once.

    python benchmarks/other_data.py [SET ...] [--seeds 3]

Sets: mnist, animals, digits, elpv. Their packages are downloaded into .venv/real-sets; the digits are scikit-learn's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import muslin

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from helpers import real_sets


def mnist(folder: Path) -> tuple[Path, dict[str, Any]]:
    np.savez(folder / "mnist.npz", **real_sets.mnist(real_sets.fetch("mnist")))
    return folder / "mnist.npz", {}


def animals(folder: Path) -> tuple[Path, dict[str, Any]]:
    np.savez(folder / "animals.npz", **real_sets.animals(real_sets.fetch("animals")))
    return folder / "animals.npz", {"test_fraction": 0.15}


def digits(folder: Path) -> tuple[Path, dict[str, Any]]:
    found = load_digits()
    np.savez(folder / "digits.npz", x=found.images, y=found.target)
    return folder / "digits.npz", {"test_fraction": 0.2}


def elpv(folder: Path) -> tuple[Path, dict[str, Any]]:
    path = real_sets.write_elpv(real_sets.fetch("elpv"), folder / "elpv")
    return path, {
        "size": "48x48",
        "color": "gray",
        "test_fraction": 0.2,
        "overrides": {"class_weights": "balanced"},
    }


SETS: dict[str, Callable[[Path], tuple[Path, dict[str, Any]]]] = {
    "mnist": mnist,
    "animals": animals,
    "digits": digits,
    "elpv": elpv,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", help=f"any of {', '.join(SETS)} (default: all)")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    print("| set | images | classes | accuracy of each seed | balanced accuracy | largest class | training |")
    print("|---|---|---|---|---|---|---|")
    for name in asked.sets or list(SETS):
        with tempfile.TemporaryDirectory() as place:
            path, options = SETS[name](Path(place))
            rows = [_train(path, Path(place), seed, options) for seed in range(asked.seeds)]
        tests, seconds = [row[0] for row in rows], [row[1] for row in rows]
        shape, images, classes = rows[0][2:]
        accuracies = ", ".join(f"{100 * test.accuracy:.2f}" for test in tests)
        balanced = ", ".join(f"{100 * test.balanced_accuracy:.2f}" for test in tests)
        share = f"{100 * tests[0].largest_class[1]:.1f}%"
        print(f"| {name}, {shape} | {images:,} | {classes} | {accuracies} | {balanced} | {share} | ", end="")
        print(f"{np.median(seconds):.0f} s |", flush=True)


def _train(path: Path, place: Path, seed: int, options: dict[str, Any]) -> tuple[Any, float, str, int, int]:
    run = muslin.train(data=path, seed=seed, out=place / "runs", progress=False, **options)
    test = muslin.evaluate(run, progress=False)
    data, outcome = run.record.data, run.record.outcome
    shape = "×".join(str(side) for side in data.input_shape)
    assert outcome is not None
    return test, outcome.seconds, shape, sum(data.audit.counts["train"]), len(data.class_names)


if __name__ == "__main__":
    main()
