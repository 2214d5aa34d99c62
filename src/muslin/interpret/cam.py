"""Class activation maps: the positions in an image that speak for or against a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from muslin.interpret.activations import evaluating, to_device, to_numpy
from muslin.interpret.exact_cam import pooled_layer
from muslin.interpret.weights import convolutions
from muslin.network import Network

if TYPE_CHECKING:
    from jaxtyping import Float32, Int64, UInt8


@dataclass(frozen=True, eq=False)
class ClassActivationMaps:
    """Class activation maps: evidence for one class per image, by position.

    Attributes:
        maps: evidence, shape (image, height, width), at the resolution of `layer`. The unit of exact maps is logits:
            positive values speak for the class, negative values against it. Grad-CAM maps are ≥ 0, and only their
            ratios are meaningful.
        classes: number of the class that each map explains.
        logits: logit of that class.
        bias: bias of that class, so that mean(map) + bias = logit for exact maps; None for Grad-CAM.
        method: "exact" (Zhou et al. 2016) or "Grad-CAM" (Selvaraju et al. 2017).
        layer: name of the layer whose feature maps are weighted.
    """

    maps: Float32[np.ndarray, "image height width"]
    classes: Int64[np.ndarray, " image"]
    logits: Float32[np.ndarray, " image"]
    bias: Float32[np.ndarray, " image"] | None
    method: Literal["exact", "Grad-CAM"]
    layer: str


def class_activation_maps(
    network: Network,
    images: UInt8[np.ndarray, "image height width channel"],
    classes: Int64[np.ndarray, " image"] | None = None,
) -> ClassActivationMaps:
    """Compute class activation maps.

    If the design ends in global average pooling and the output layer (with or without dropout between them), the maps
    are *exact*: the logit is b + Σₖ wₖ · mean(fₖ) = b + mean(Σₖ wₖ fₖ), so the map Σₖ wₖ fₖ is the contribution of each
    position (Zhou, Khosla, Lapedriza, Oliva & Torralba, "Learning Deep Features for Discriminative Localization", CVPR
    2016). For any other design with a convolution, the maps are Grad-CAM: the last convolution's feature maps, weighted
    by the mean gradient of the logit, with negative sums set to zero (Selvaraju et al., "Grad-CAM", ICCV 2017).

    Args:
        network: network on any device; its training mode is restored afterwards.
        images: images as bytes, 0–255; computed in one batch.
        classes: number of the class to explain for each image (default: the predicted class).

    Raises:
        DesignError: if the design has no convolution.
    """
    convolution = convolutions(network.design)[-1]
    pooled = pooled_layer(network.design)
    with evaluating(network):
        if pooled is None:
            return _grad_cam(network, to_device(network, images), classes, convolution)
        return _exact(network, to_device(network, images), classes, pooled)


@torch.no_grad()
def _exact(
    network: Network, images: Tensor, classes: Int64[np.ndarray, " image"] | None, layer: str
) -> ClassActivationMaps:
    outputs = network.activations(images)
    output = network.design.output_layer.name
    logits, chosen = _choose(outputs[output], classes)
    weight = network.array(f"{output}.weight")[chosen]
    return ClassActivationMaps(
        maps=to_numpy(torch.einsum("nk,nkhw->nhw", weight, outputs[layer])),
        classes=chosen.cpu().numpy(),
        logits=to_numpy(logits),
        bias=to_numpy(network.array(f"{output}.bias")[chosen]),
        method="exact",
        layer=layer,
    )


def _grad_cam(
    network: Network, images: Tensor, classes: Int64[np.ndarray, " image"] | None, layer: str
) -> ClassActivationMaps:
    with torch.enable_grad():
        # The features need a gradient even if the weights do not require one.
        outputs = network.activations(images.requires_grad_())
        logits, chosen = _choose(outputs[network.design.output_layer.name], classes)
        (slope,) = torch.autograd.grad(logits.sum(), outputs[layer])
    maps = torch.einsum("nk,nkhw->nhw", slope.mean((2, 3)), outputs[layer]).relu()
    return ClassActivationMaps(
        maps=to_numpy(maps),
        classes=chosen.cpu().numpy(),
        logits=to_numpy(logits),
        bias=None,
        method="Grad-CAM",
        layer=layer,
    )


def _choose(logits: Tensor, classes: Int64[np.ndarray, " image"] | None) -> tuple[Tensor, Tensor]:
    chosen = logits.argmax(dim=1) if classes is None else torch.from_numpy(classes).to(logits.device)
    return logits.gather(1, chosen[:, None])[:, 0], chosen
