"""Settings of the optimizers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from muslin.recipe._part import Part, Positive, Share


class Adam(Part):
    """Adam with bias correction (Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1).

    Attributes:
        learning_rate: step size (default 0.001).
        beta1: decay rate of the first-moment estimate, 0 to <1 (default 0.9).
        beta2: decay rate of the second-moment estimate, 0 to <1 (default 0.999).
        epsilon: constant added to the denominator for numerical stability (default 1e-7, as in Keras).
        weight_decay: decoupled weight decay (Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019;
            default 0).
    """

    kind: Literal["adam"] = "adam"
    learning_rate: Positive = 1e-3
    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: Positive = 1e-7
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


class Muon(Part):
    """Muon for the kernels of all layers but the last; Adam for the last layer and for all biases.

    Muon updates each kernel along its orthogonalized momentum. It treats the kernel as a matrix of outputs × inputs
    (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024).

    Attributes:
        learning_rate: Muon's step size for the kernels (default 0.08).
        momentum: Nesterov momentum of the kernels, 0 to <1 (default 0.95).
        iterations: number of Newton–Schulz iterations that orthogonalize the momentum (default 3).
        bias_learning_rate: Adam's step size for the biases before the last layer (default 0.015).
        output_learning_rate: Adam's step size for the last layer (default 0.008).
        beta1: decay rate of Adam's first-moment estimate, 0 to <1 (default 0.9).
        beta2: decay rate of Adam's second-moment estimate, 0 to <1 (default 0.99).
    """

    kind: Literal["muon"] = "muon"
    learning_rate: Positive = 0.08
    momentum: Share = 0.95
    iterations: Annotated[int, Field(strict=True, ge=1, le=20)] = 3
    bias_learning_rate: Positive = 0.015
    output_learning_rate: Positive = 0.008
    beta1: Share = 0.9
    beta2: Share = 0.99
