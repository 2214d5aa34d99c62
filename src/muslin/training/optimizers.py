"""Optimizers: Adam as Keras sets it up, and Muon for convolution kernels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from muslin.recipe import Adam, Recipe
from muslin.recipe import Muon as MuonSettings

if TYPE_CHECKING:
    from jaxtyping import Float

# Coefficients of the quintic iteration and how often it is applied, from the reference implementation (Jordan et al.).
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Momentum whose step is made orthogonal, for convolution kernels.

    With gradient G of a kernel seen as a matrix of filters × (inputs · height · width):

        M ← μ·M + G,   O ← orthogonalize(G + μ·M),   W ← W − lr · √max(1, rows / columns) · O

    (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.) `torch.optim.Muon` takes matrices
    only; kernels have four axes.
    """

    def __init__(self, kernels: Iterable[Tensor], learning_rate: float, momentum: float) -> None:
        super().__init__(kernels, {"lr": learning_rate, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every kernel once."""
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is None:
                    continue
                state = self.state[kernel]
                if not state:
                    state["momentum"] = torch.zeros_like(kernel)
                momentum = state["momentum"].mul_(group["momentum"]).add_(kernel.grad)
                nesterov = kernel.grad.add(momentum, alpha=group["momentum"])
                direction = orthogonalize(nesterov.flatten(1)).view_as(kernel)
                rows, columns = kernel.shape[0], kernel[0].numel()
                kernel.sub_(direction, alpha=group["lr"] * max(1.0, rows / columns) ** 0.5)


def orthogonalize(matrix: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """The nearest semi-orthogonal matrix, roughly: singular values end between about 0.7 and 1.2.

    Five steps of  X ← a·X + (b·XXᵀ + c·(XXᵀ)²)·X  from X = G/‖G‖ (Jordan et al. 2024, after Bernstein & Newhouse, "Old
    Optimizer, New Norm", 2024, appendix A).
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm() + 1e-7)
    a, b, c = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def build_optimizers(network: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """The recipe's optimizers, the main one first; each remembers its peak learning rate as ``initial_lr``."""
    settings = recipe.optimizer
    optimizers: list[torch.optim.Optimizer]
    match settings:
        case Adam():
            optimizers = [
                torch.optim.AdamW(
                    network.parameters(),
                    lr=settings.learning_rate,
                    betas=(settings.beta1, settings.beta2),
                    eps=settings.epsilon,
                    weight_decay=settings.weight_decay,
                    fused=True,
                )
            ]
        case MuonSettings():
            kernels = [array for array in network.parameters() if array.ndim == 4]
            others = [array for array in network.parameters() if array.ndim != 4]
            rest = torch.optim.AdamW(
                others, lr=settings.others_learning_rate, weight_decay=settings.weight_decay, fused=True
            )
            optimizers = [Muon(kernels, settings.learning_rate, settings.momentum), rest] if kernels else [rest]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
    return optimizers


def set_learning_rates(optimizers: Iterable[torch.optim.Optimizer], factor: float) -> None:
    """Set every group's learning rate to `factor` times its peak."""
    for optimizer in optimizers:
        group: dict[str, Any]
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
