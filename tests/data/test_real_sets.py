"""Real images beside Fashion-MNIST: MNIST and silhouettes of animals, out of the wheels that carry them."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import muslin
from helpers import real_sets
from muslin.data import load_data
from muslin.recipe import load_recipe
from muslin.training.fit import prepare

MNIST_TRAIN_IMAGES = "6bbc9ace898e44ae57da46a324031adb"  # MD5 of the publisher's unzipped file


def arrays(name: str, read: Callable[[Path], real_sets.Arrays]) -> real_sets.Arrays:
    path = real_sets.wheel(name)
    if path is None:
        pytest.skip(f"the wheel of {name} is not on this machine: `make .venv/.installed-dev` fetches it")
    return read(path)


def test_mnist_is_read_and_not_taken_for_fashion_mnist(tmp_path: Path) -> None:
    found = arrays("mnist", real_sets.mnist)
    header = struct.pack(">IIII", 2051, 60_000, 28, 28)
    assert hashlib.md5(header + found["x_train"].tobytes()).hexdigest() == MNIST_TRAIN_IMAGES  # noqa: S324
    np.savez(tmp_path / "mnist.npz", **found)
    data = load_data(tmp_path / "mnist.npz")
    assert [len(split) for split in data.splits.values()] == [54_000, 6_000, 10_000]
    assert not data.audit.is_fashion
    assert data.audit.fashion_share == pytest.approx(0, abs=0.002)
    assert data.class_names == tuple(f"class {digit}" for digit in range(10))
    assert prepare(muslin.load_design("custom_cnn"), data, load_recipe("fast")).recipe.augmentation.flip is False


@pytest.mark.trains
def test_a_tenth_of_mnist_is_learned_with_the_defaults(tmp_path: Path) -> None:
    found = arrays("mnist", real_sets.mnist)
    some = {name: part[:6000] if "train" in name else part[:2000] for name, part in found.items()}
    np.savez(tmp_path / "some.npz", **some)
    run = muslin.train(data=tmp_path / "some.npz", out=tmp_path, progress=False)
    assert muslin.evaluate(run, progress=False).accuracy > 0.96


def test_the_duplicates_among_the_animals_are_found(tmp_path: Path) -> None:
    found = arrays("animals", real_sets.animals)
    unique = len({image.tobytes() for image in found["x"]})
    np.savez(tmp_path / "animals.npz", **found)
    data = load_data(tmp_path / "animals.npz", test_fraction=0.15)
    audit = data.audit
    assert audit.test_images_in_train == 0  # a drawn image with a copy among the others stays with it
    assert audit.duplicates_in_train + audit.duplicates_in_test == len(found["x"]) - unique
    assert data.classes == 10
