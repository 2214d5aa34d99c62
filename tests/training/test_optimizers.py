from __future__ import annotations

import pytest
import torch

from muslin.design import load_design
from muslin.network import Network
from muslin.recipe import load_recipe
from muslin.training.optimizers import Muon, build_optimizers, orthogonalize


@pytest.mark.parametrize("shape", [(32, 9), (64, 288), (128, 576), (9, 32), (5, 5)])
def test_orthogonalized_matrices_have_singular_values_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(matrix))
    assert values.min() > 0.3
    assert values.max() < 1.3


def test_orthogonalizing_keeps_the_singular_directions() -> None:
    matrix = torch.randn(6, 9, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    core = left.mT @ orthogonalize(matrix) @ right.mT
    assert torch.allclose(core, torch.diag(core.diagonal()), atol=1e-4)


def test_kernels_go_to_muon_and_the_rest_to_adamw() -> None:
    network = Network(load_design("custom_cnn"))
    muon, rest = build_optimizers(network, load_recipe("fast"))
    assert isinstance(muon, Muon)
    assert {array.ndim for group in muon.param_groups for array in group["params"]} == {4}
    assert {array.ndim for group in rest.param_groups for array in group["params"]} == {1, 2}
    count = sum(array.numel() for part in (muon, rest) for group in part.param_groups for array in group["params"])
    assert count == 93_962


def test_a_design_without_kernels_needs_no_muon() -> None:
    (only,) = build_optimizers(Network(load_design("dense_baseline")), load_recipe("fast"))
    assert isinstance(only, torch.optim.AdamW)
