from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers.once import made_once
from helpers.shell import muslin

DESIGN = """
name = "small"
input_shape = [28, 28, 1]
layers = [
  {kind = "conv2d", name = "conv1", filters = 8, activation = "relu"},
  {kind = "max_pool2d", name = "pool1", kernel = 4},
  {kind = "conv2d", name = "conv2", filters = 8, activation = "relu"},
  {kind = "global_avg_pool2d", name = "pool"},
  {kind = "dropout", name = "dropout", rate = 0.5},
  {kind = "dense", name = "output", units = 10, activation = "softmax"},
]
claims = [
  {says = "It is small.", measure = "parameters", at_most = 1000},
  {says = "It is perfect.", measure = "test_accuracy", equals = 100},
]
"""


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `muslin run` was run once, on the sample; tests only read it."""
    made = made_once(tmp_path_factory, "workshop", run_once)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("workshop") / "workshop", symlinks=True))


def run_once(folder: Path) -> None:
    (folder / "small.toml").write_text(DESIGN)
    done = muslin("run", "small.toml", "--sample", "--epochs", "2", "--seed", "1", cwd=folder)
    (folder / "stdout.txt").write_text(done.stdout)
    (folder / "stderr.txt").write_text(done.stderr)
    assert done.returncode == 0, done.stderr
