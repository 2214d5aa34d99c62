"""Where in an image a network finds its evidence for a class."""

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
    """Evidence for one class per image, position by position.

    Attributes:
        maps: shape (image, height, width), at the resolution of `layer`. Exact maps are in logits: positive where the
            image speaks for the class, negative where it speaks against. Grad-CAM's are ≥ 0 and only their ratios
            mean anything.
        classes: the class that each map is about.
        logits: the network's logit of that class.
        bias: what the class's logit starts from; exact maps satisfy mean(map) + bias = logit. None for Grad-CAM.
        method: "exact" (Zhou et al. 2016) or "Grad-CAM" (Selvaraju et al. 2017).
        layer: the layer whose feature maps were weighed.
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
    """Weigh the last feature maps by what they count for a class.

    A design that ends in global average pooling and the output layer (dropout between them doesn't matter) gives
    *exact*
    maps: the logit is b + Σₖ wₖ · mean(fₖ) = b + mean(Σₖ wₖ fₖ), so the map Σₖ wₖ fₖ says what each position adds
    (Zhou, Khosla, Lapedriza, Oliva & Torralba, "Learning Deep Features for Discriminative Localization", CVPR 2016).
    Any other design with a convolution gets Grad-CAM: the last convolution's feature maps, weighed by the mean
    gradient of the logit, negative sums cut off (Selvaraju et al., "Grad-CAM", ICCV 2017).

    Args:
        network: any device; it is left as it was.
        images: bytes 0–255; all are computed at once.
        classes: the class to explain, per image; by default the predicted one.

    Raises:
        DesignError: the design has no convolution.
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
        # A gradient for the features has to be asked for, whether or not the weights want one.
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
