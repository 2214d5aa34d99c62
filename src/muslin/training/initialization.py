"""Initial weights."""

from __future__ import annotations

import torch
from torch import nn

from muslin.network import Network
from muslin.recipe import Recipe


@torch.no_grad()
def initialize(network: Network, recipe: Recipe) -> None:
    """Fill the kernels as the recipe says, set the biases to zero, and set the recipe's dropout.

    Draws from torch's global generator, layer by layer.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            if recipe.initialization == "glorot":
                nn.init.xavier_uniform_(module.weight)
            else:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Dropout) and recipe.dropout is not None:
            module.p = recipe.dropout
