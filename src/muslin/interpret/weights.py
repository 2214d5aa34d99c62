"""A convolution's filters as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from muslin.design import Conv2d, Design
from muslin.errors import DesignError
from muslin.network import Network

if TYPE_CHECKING:
    from jaxtyping import Float32


def first_convolution(design: Design) -> str:
    """The name of the design's first convolution: the one whose filters look at pixels.

    Raises:
        DesignError: the design has none.
    """
    return convolutions(design)[0]


def convolutions(design: Design) -> tuple[str, ...]:
    """The names of the design's convolutions, in order; at least one.

    Raises:
        DesignError: the design has none.
    """
    names = tuple(layer.name for layer in design.layers if isinstance(layer, Conv2d))
    if not names:
        raise DesignError(
            f"The design '{design.name}' has no convolution (its layers are {', '.join(design.names)}), so there are "
            "no filters or feature maps to look at. Choose a design with a conv2d layer."
        )
    return names


def filters(network: Network, layer: str | None = None) -> Float32[np.ndarray, "filter height width channel"]:
    """The kernels of a convolution.

    Args:
        network: any device; it is not changed.
        layer: the convolution's name; by default the first.

    Raises:
        DesignError: the design has no convolution, or none called `layer`.
    """
    known = convolutions(network.design)
    name = layer or known[0]
    if name not in known:
        raise DesignError(
            f"'{name}' is not a convolution of the design '{network.design.name}'. Choose one of {', '.join(known)}."
        )
    weight = network.array(f"{name}.weight").detach().cpu().float()
    kernels: np.ndarray = weight.permute(0, 2, 3, 1).contiguous().numpy()
    return kernels.copy()
