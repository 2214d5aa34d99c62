"""Exact evidence for a class, position by position, for designs whose last feature maps are averaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from muslin.design import Dense, Design, Dropout, GlobalAvgPool2d

if TYPE_CHECKING:
    from jaxtyping import Float, Float32


def pooled_layer(design: Design) -> str | None:
    """The layer whose feature maps the output layer sees averaged; None if the design doesn't end so.

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
    """What each position adds to the logit of class `number`: mean(evidence) + bias is that logit.

    The class activation map of Zhou, Khosla, Lapedriza, Oliva & Torralba, "Learning Deep Features for Discriminative
    Localization", CVPR 2016.

    Args:
        design: one for which `pooled_layer` names a layer.
        weights: the network's, by name.
        maps: what that layer puts out for one image.
        number: the class.
    """
    evidence: np.ndarray = np.tensordot(weights[f"{design.output_layer.name}.weight"][number], maps, 1)
    return evidence.astype(np.float32)
