from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from muslin.data import Dataset
from muslin.design import Design, parse_design
from muslin.recipe import Recipe, load_recipe
from muslin.training.checkpoint import Checkpoints
from muslin.training.fit import fit
from muslin.training.snapshot import Snapshot

RECIPE = load_recipe("fast").with_(epochs=3, batch_size=40)
TINY = """
name = "tiny"
input_shape = [28, 28, 1]
layers = [
  {kind = "conv2d", name = "conv1", filters = 2, activation = "relu"},
  {kind = "max_pool2d", name = "pool1", kernel = 7},
  {kind = "dropout", name = "dropout", rate = 0.2},
  {kind = "flatten", name = "flatten"},
  {kind = "dense", name = "output", units = 10, activation = "softmax"},
]
"""


def hundred_images(sample: Dataset) -> Dataset:
    parts = {name: split.subset(np.arange(100)) for name, split in sample.splits.items()}
    return replace(sample, **parts)


@pytest.fixture(scope="session")
def tiny_design() -> Design:
    return parse_design(TINY)


@pytest.fixture(scope="session")
def hundred(sample: Dataset) -> Dataset:
    return hundred_images(sample)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return RECIPE


@pytest.fixture(scope="session")
def snapshots(
    tiny_design: Design, hundred: Dataset, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> list[Snapshot]:
    """The state after each step of a tiny training."""
    import torch  # noqa: PLC0415

    from muslin.training import checkpoint  # noqa: PLC0415

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder: Path = tmp_path_factory.mktemp("snapshots")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "GENERATIONS", 1000)
        fit(tiny_design, hundred, recipe, checkpoints=Checkpoints(folder, seconds=0))
    torch.set_num_threads(threads)
    paths = reversed(Checkpoints(folder).generations())
    return [checkpoint.from_bytes(path.read_bytes(), path.name) for path in paths]
