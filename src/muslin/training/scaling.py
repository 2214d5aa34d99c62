"""Input scaling during training: the first layer with weights sees scaled pixels; its weights absorb it at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from muslin.errors import RecipeError
from muslin.network import PIXEL_MAXIMUM, Network
from muslin.recipe import Recipe

if TYPE_CHECKING:
    from jaxtyping import UInt8


class InputScaling:
    """Apply the recipe's `input_scaling` before the first layer with weights: x ↦ scale · x + shift.

    Poolings before that layer commute with the scaling. Zero padding does not: a padded border is 0 if padded before
    the scaling and would be `shift` if unpadded pixels were black. The border is therefore padded with black before the
    scaling. The layer's sum over a window is then  Σ w·(scale·x + shift) = Σ (scale·w)·x + shift·Σw  at every position,
    so folding is exact: multiply the weights by `scale` and add shift·Σw to the bias (in normalized layers, subtract it
    from the running mean).

    Args:
        network: network whose input is scaled until `fold` is called.
        recipe: recipe with the kind of scaling.
        images: training images, from which mean and standard deviation are computed.

    Raises:
        RecipeError: a dropout layer precedes the first weights, so that no fixed weights are equivalent.
    """

    def __init__(self, network: Network, recipe: Recipe, images: UInt8[Tensor, "image height width channel"]) -> None:
        self._scale, self._shift = _scaling(recipe, images)
        self._hook: torch.utils.hooks.RemovableHandle | None = None
        if recipe.input_scaling == "unit":
            return
        layer = self._layer = _first_with_weights(network, recipe)
        self._padding: Any = ()
        if isinstance(layer, nn.Conv2d):
            self._padding = (layer.padding, layer.uneven)
            (down, across), (left, right, top, bottom) = self._padding
            self._edges = (across + left, across + right, down + top, down + bottom)
            layer.padding, layer.uneven = (0, 0), (0, 0, 0, 0)  # type: ignore[assignment]
        self._hook = layer.register_forward_pre_hook(self._scaled)

    @torch.no_grad()
    def fold(self) -> None:
        """Fold the scaling into the layer's weights: same output on unscaled pixels."""
        if self._hook is None:
            return
        self._hook.remove()
        self._hook = None
        layer = self._layer
        if self._padding:
            layer.padding, layer.uneven = self._padding
        added = self._shift * layer.weight.flatten(1).sum(1)
        if getattr(layer, "normalized", False):
            layer.mean.sub_(added)
        else:
            layer.bias.add_(added)
        layer.weight.mul_(self._scale)

    def _scaled(self, _layer: nn.Module, arguments: tuple[Tensor, ...]) -> Tensor:
        (values,) = arguments
        if self._padding:
            values = functional.pad(values, self._edges)
        return values * self._scale + self._shift


def _scaling(recipe: Recipe, images: Tensor) -> tuple[float, float]:
    match recipe.input_scaling:
        case "unit":
            return 1.0, 0.0
        case "none":
            return float(PIXEL_MAXIMUM), 0.0
        case "standardized":
            # From a histogram: exact, and without a float copy of all images.
            counts = torch.bincount(images.reshape(-1), minlength=PIXEL_MAXIMUM + 1).double()
            levels = torch.arange(PIXEL_MAXIMUM + 1, dtype=torch.float64) / PIXEL_MAXIMUM
            mean = float((counts * levels).sum() / counts.sum())
            variance = float((counts * (levels - mean) ** 2).sum() / counts.sum())
            deviation = variance**0.5 or 1.0  # images of a single color are not scaled
            return 1 / deviation, -mean / deviation


def _first_with_weights(network: Network, recipe: Recipe) -> Any:
    for layer in network.design.layers:
        module = network.layer(layer.name)
        if isinstance(module, nn.Conv2d | nn.Linear):
            return module
        if layer.kind == "dropout":
            raise RecipeError(
                f"recipe '{recipe.name}': input_scaling = \"{recipe.input_scaling}\" cannot be folded into design "
                f"'{network.design.name}', because layer '{layer.name}' drops pixels before the first layer with "
                'weights. Move the dropout layer, or set input_scaling = "unit".'
            )
    raise AssertionError(network.design.name)  # every design ends in a dense layer
