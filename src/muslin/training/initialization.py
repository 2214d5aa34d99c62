"""Initialization of weights."""

from __future__ import annotations

import hashlib

import torch
from torch import nn

from muslin.network import Network
from muslin.recipe import Initialization, Recipe


@torch.no_grad()
def initialize(network: Network, recipe: Recipe, seed: int) -> None:
    """Fill kernels and biases as the recipe specifies, and set the recipe's dropout rate.

    Each layer draws from its own generator, seeded by `seed` and the layer's name. Layers with the same name and shape
    therefore start with the same weights in different designs.
    """
    for name, module in network.named_children():
        if isinstance(module, nn.Conv2d | nn.Linear):
            _fill(module, recipe.initialization, torch.Generator().manual_seed(_layer_seed(seed, name)))
        elif isinstance(module, nn.Dropout) and recipe.dropout is not None:
            module.p = recipe.dropout
    nn.init.zeros_(network.array(f"{network.design.output_layer.name}.bias"))


def _fill(module: nn.Conv2d | nn.Linear, how: Initialization, generator: torch.Generator) -> None:
    assert module.bias is not None  # noqa: S101  (every layer of a design has one)
    nn.init.zeros_(module.bias)
    match how:
        case "glorot":
            nn.init.xavier_uniform_(module.weight, generator=generator)
        case "he":
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        case "pytorch":
            reach = module.weight[0].numel() ** -0.5
            nn.init.uniform_(module.weight, -reach, reach, generator=generator)
            nn.init.uniform_(module.bias, -reach, reach, generator=generator)


def _layer_seed(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") >> 1
