from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from muslin.data import Dataset
from muslin.design import Design, parse_design

SMALL = """
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
"""


@pytest.fixture(scope="session")
def small() -> Design:
    """A design that trains on the sample in a second."""
    return parse_design(SMALL)


@pytest.fixture(scope="session")
def few(sample: Dataset) -> Dataset:
    """A tenth of the sample."""
    return replace(
        sample,
        train=sample.train.subset(np.arange(200)),
        validation=sample.validation.subset(np.arange(100)),
        test=sample.test.subset(np.arange(50)),
    )
