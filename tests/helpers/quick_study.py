"""What tests of trials and studies share: a tiny design, a one-epoch recipe, a tenth of the sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from muslin.data import Dataset
from muslin.design import Design, parse_design
from muslin.recipe import Recipe, load_recipe

TINY = """
name = "tiny"
input_shape = [28, 28, 1]
layers = [
  {kind = "conv2d", name = "conv1", filters = 4, kernel = 3, stride = 2, activation = "relu"},
  {kind = "max_pool2d", name = "pool1", kernel = 2},
  {kind = "global_avg_pool2d", name = "average"},
  {kind = "dense", name = "output", units = 10, activation = "softmax"},
]

[[decisions]]
name = "pooling"
chosen = "max"
because = "The strongest response stays."
alternatives = [
  {name = "average", edits = [{layers = "pool*", replace = {kind = "avg_pool2d", kernel = 2}}]},
  {name = "none", edits = [{layers = "pool*", drop = true}]},
]

[[decisions]]
name = "activation"
chosen = "ReLU"
alternatives = [{name = "tanh", edits = [{layers = "conv*", set = {activation = "tanh"}}]}]

[[decisions]]
name = "filters"
chosen = "4"
alternatives = [
  {name = "5 × 5", match = "parameters", edits = [{layers = "conv*", set = {kernel = 5}}]},
  {name = "8", edits = [{layers = "conv*", scale = {filters = 2}}]},
]

[[decisions]]
name = "rate"
chosen = "the recipe's"
alternatives = [{name = "huge", edits = [{recipe = {optimizer = {learning_rate = 1e30}}}]}]
"""


@pytest.fixture(scope="session")
def tiny() -> Design:
    """A design whose trials take a fraction of a second."""
    return parse_design(TINY)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """One epoch."""
    return load_recipe("notebook").with_(epochs=1, batch_size=50, name="quick")


@pytest.fixture(scope="session")
def few(sample: Dataset) -> Dataset:
    """A tenth of the sample."""
    return replace(
        sample,
        train=sample.train.subset(np.arange(200)),
        validation=sample.validation.subset(np.arange(100)),
    )
