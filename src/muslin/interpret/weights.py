"""The filters of convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from muslin.design import Conv2d, Design
from muslin.errors import DesignError
from muslin.network import Network

if TYPE_CHECKING:
    from jaxtyping import Float32


def first_convolution(design: Design) -> str:
    """Return the name of the design's first convolution, whose filters see pixels.

    Raises:
        DesignError: if the design has no convolution.
    """
    return convolutions(design)[0]


def convolutions(design: Design) -> tuple[str, ...]:
    """Return the names of the design's convolutions, in forward order.

    Raises:
        DesignError: if the design has no convolution.
    """
    names = tuple(layer.name for layer in design.layers if isinstance(layer, Conv2d))
    if not names:
        raise DesignError(
            f"design '{design.name}' has no convolution (its layers are {', '.join(design.names)}), so it has no "
            "filters or feature maps to show. Choose a design with a conv2d layer."
        )
    return names


def filters(network: Network, layer: str | None = None) -> Float32[np.ndarray, "filter height width channel"]:
    """Return the filters of a convolution.

    Args:
        network: network on any device.
        layer: name of the convolution (default: the first convolution).

    Returns:
        Copy of the filters, shape (filter, height, width, channel).

    Raises:
        DesignError: if the design has no convolution, or none named `layer`.
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
