from __future__ import annotations

import pytest

from muslin.data import Dataset
from muslin.design import parse_design
from muslin.interpret import class_activation_maps, filters
from muslin.network import Network


@pytest.mark.parametrize("name", ["forward", "eval", "training", "parameters", "design"])
def test_a_layer_may_be_called_like_a_method(name: str, sample: Dataset) -> None:
    text = f"""
    name = "odd"
    input_shape = [28, 28, 1]
    layers = [
      {{kind = "conv2d", name = "{name}", filters = 4, activation = "relu"}},
      {{kind = "global_avg_pool2d", name = "pool"}},
      {{kind = "dense", name = "output", units = 10}},
    ]
    """
    network = Network(parse_design(text))
    assert filters(network).shape == (4, 3, 3, 1)
    assert class_activation_maps(network, sample.test.images[:2]).method == "exact"
