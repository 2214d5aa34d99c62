"""Detect values that are not finite, and name the step and the layer."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from muslin.network import Network


def is_finite_step(loss: float, network: Network) -> bool:
    """Return whether a step's loss and all gradients are finite; otherwise the update is skipped."""
    norms = torch._foreach_norm([array.grad for array in network.parameters() if array.grad is not None])
    return math.isfinite(loss) and math.isfinite(torch.stack(norms).sum().item())


def broken_weights(network: Network) -> str | None:
    """Return the name of the first weights that are not finite, which an update itself can cause; None if all are."""
    return next((name for name, array in network.state_dict().items() if not _is_finite(array)), None)


def first_broken(network: Network, images: Tensor) -> str:
    """Return where the first non-finite value arose: a layer's output, a gradient, or the loss."""
    with torch.no_grad():
        outputs = network.activations(images)
    where = next((name for name, values in outputs.items() if not values.isfinite().all()), None)
    if where:
        return f"the output of layer '{where}'"
    gradients = (name for name, array in network.named_parameters() if not _is_finite(array.grad))
    return f"the gradient of {next(gradients, 'the loss')}"


def _is_finite(array: Tensor | None) -> bool:
    return array is None or bool(array.isfinite().all())
