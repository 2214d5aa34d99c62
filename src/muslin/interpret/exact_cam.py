"""Exact class activation maps, for designs that end in global average pooling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from muslin.design import Dense, Design, Dropout, GlobalAvgPool2d

if TYPE_CHECKING:
    from jaxtyping import Float, Float32


def pooled_layer(design: Design) -> str | None:
    """Return the name of the layer whose averaged feature maps are the input of the output layer.

    Returns:
        The name, or None if the design does not end in global average pooling and the output layer.

    >>> from muslin.design import load_design
    >>> pooled_layer(load_design("custom_cnn"))
    'conv3'
    """
    ending = [layer for layer in design.layers if not isinstance(layer, Dropout)][-3:]
    match ending:
        case [features, GlobalAvgPool2d(), Dense()]:
            return features.name
    return None


def exact_cam(
    design: Design,
    weights: Mapping[str, Float[np.ndarray, "..."]],
    maps: Float[np.ndarray, "channel height width"],
    number: int,
) -> Float32[np.ndarray, "height width"]:
    """Compute the contribution of each position to the logit of a class.

    This is the class activation map of Zhou, Khosla, Lapedriza, Oliva & Torralba, "Learning Deep Features for
    Discriminative Localization", CVPR 2016. It satisfies mean(map) + bias = logit.

    Args:
        design: design for which `pooled_layer` returns a layer.
        weights: weights of the network by name.
        maps: feature maps of that layer for one image.
        number: number of the class.

    Returns:
        Contributions in logits, shape (height, width).
    """
    evidence: np.ndarray = np.tensordot(weights[f"{design.output_layer.name}.weight"][number], maps, 1)
    return evidence.astype(np.float32)
