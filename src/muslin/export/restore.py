"""From weights on disk back to a network that computes."""

from __future__ import annotations

import numpy as np
import torch

from muslin.design import Design
from muslin.export._weights import Weights
from muslin.network import Network


def restore(design: Design, weights: Weights) -> Network:
    """The network with these weights, on the CPU, with dropout off.

    Args:
        design: what to build.
        weights: that fit it, as `muslin.export.safetensors.load_weights` gives them.
    """
    network = Network(design)
    # A copy each: the network may be trained on, and arrays read from a file may not be written to.
    network.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in weights.items()})
    return network.eval()
