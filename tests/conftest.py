"""What many tests share: the sample, and tiny data sets in every format."""

from __future__ import annotations

import os

# One thread for each test process and what it starts: the tests run side by side, tiny networks are slower on several
# threads, and another number of threads gives other bits. Set before anything starts a pool of threads.
os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from helpers import tiny
from helpers.once import shared_folder
from helpers.tiny import WriteData, files_of
from helpers.training import trains
from muslin._disk.cache import cache_folder
from muslin.data import Dataset, load_data
from muslin.data.files import Files
from muslin.data.places.sources import find
from muslin.errors import DataError

pytest_plugins = ["helpers.quick_study"]

# That the machine is busy with something else is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Before the fixture below hides them.
DATA_OF_THE_MACHINE = os.environ.get("MUSLIN_DATA")
CACHE_OF_THE_MACHINE = cache_folder("fashion-mnist")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave properties out of what coverage counts: they go the same ways a hundred times, and slower by half.

    And mark what trains, for `make test-fast`.
    """
    for item in items:
        if trains(item):
            item.add_marker("trains")
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Networks of a few values are slower on several threads, and on a busy machine many times slower."""
    import torch  # noqa: PLC0415  (many tests do without)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def sample() -> Dataset:
    """The 2,500 images that ship with Muslin; read once."""
    return load_data(sample=True)


@pytest.fixture(scope="session")
def official_files() -> Files:
    """The official release, where this machine has it; never fetched for a test."""
    if DATA_OF_THE_MACHINE:
        return files_of(find(Path(DATA_OF_THE_MACHINE)).contents)
    try:
        return files_of(find(download=False, cache=CACHE_OF_THE_MACHINE).contents)
    except DataError:
        pytest.skip("the official data are not on this machine: run `muslin data` once")


@pytest.fixture(autouse=True)
def _no_data_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests neither see nor touch the data and the cache of the person who runs them."""
    monkeypatch.delenv("MUSLIN_DATA", raising=False)
    # Processes that share out the tests share the compiled operators, too.
    monkeypatch.setenv("MUSLIN_CACHE", str(shared_folder(tmp_path_factory) / "cache-of-the-tests"))


@pytest.fixture
def write_data(tmp_path: Path) -> WriteData:
    """Write a tiny data set: `write_data("npz", channels=3)` gives the path for `load_data` or `--data`.

    Formats: "idx", "csv", "parquet", "npz", "folder". The images are noise around a brightness that tells the class.
    """

    def write(
        format: str,  # noqa: A002  (the word for it)
        *,
        height: int = 8,
        width: int = 8,
        channels: int = 1,
        classes: int = 3,
        train_per_class: int = 20,
        test_per_class: int = 5,
    ) -> Path:
        rng = np.random.default_rng(0)
        train, test = (
            tiny.split(rng, per_class, height, width, channels, classes)
            for per_class in (train_per_class, test_per_class)
        )
        path = tmp_path / f"tiny-{format}-{height}x{width}x{channels}"
        return tiny.WRITERS[format](path, train, test)

    return write
