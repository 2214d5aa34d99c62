"""The network as training steps compute it: the same function, in an order and in pieces that cost less."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from muslin.design import Activation, Conv2d, GlobalAvgPool2d, Layer, MaxPool2d, Shape
from muslin.network import ACTIVATIONS, Network
from muslin.training.fused import ops
from muslin.training.fused.build import library
from muslin.training.outcome import Precision

# max(f(a), f(b)) = f(max(a, b)) for these. GELU and SiLU fall before they rise.
_NON_DECREASING: frozenset[Activation] = frozenset(("relu", "elu", "tanh", "sigmoid"))
# Beyond it the scratch space of a fused block no longer fits the cache. Chosen by that; not measured.
_LARGEST_IMAGE = 64 * 64  # pixels

Step = Callable[[Tensor], Tensor]


class Part(NamedTuple):
    """A piece of the computation.

    Attributes:
        name: for tables.
        layers: the names of the layers that it computes; empty for an activation that waited for a pooling.
        run: computes it.
        fused: in one pass, by a fused block.
    """

    name: str
    layers: tuple[str, ...]
    run: Step
    fused: bool = False


class Forward:
    """Computes what `Network` computes, for training: call it with images, get logits.

    It shares the network's parameters and buffers, so gradients arrive there, and what is saved never changes. The mode
    of normalised layers is the one they were in when it was made. Hooks on single layers are not all called.

    - A max-pooling goes before a non-decreasing activation, which then works on a quarter of the values: a step of the
      library's network takes 10% less.
    - A 3×3 convolution, its ReLU, and the pooling or global mean behind it become one fused block, where the processor,
      a compiler and the shapes allow (`muslin.training.fused`).

    Args:
        network: on its device, in training mode.
        device: the network's.
        precision: of the steps. Fused blocks multiply in bfloat16; only the stem, on one-channel images, has a float32
            form as well.

    Attributes:
        parts: what is computed, in order.
    """

    def __init__(self, network: Network, device: torch.device, precision: Precision) -> None:
        self.parts: list[Part] = []
        placed, at = list(network.design.placed), 0
        fusing = device.type == "cpu" and library() is not None
        while at < len(placed):
            layer, entering = placed[at][:2]
            after = placed[at + 1][0] if at + 1 < len(placed) else None
            module = network.layer(layer.name)
            block = _fused(layer, module, entering, after, precision, first=at == 0) if fusing else None
            if block is not None:
                step, used = block
                names = tuple(placed[at + offset][0].name for offset in range(used))
                self.parts.append(Part(" + ".join(names), names, step, fused=True))
                at += used
            elif isinstance(layer, Conv2d) and isinstance(after, MaxPool2d) and layer.activation in _NON_DECREASING:
                self.parts.append(Part(layer.name, (layer.name,), _without_activation(module)))
                self.parts.append(Part(after.name, (after.name,), network.layer(after.name)))
                self.parts.append(Part(f"{layer.name}'s {layer.activation}", (), ACTIVATIONS[layer.activation]))
                at += 2
            else:
                self.parts.append(Part(layer.name, (layer.name,), module))
                at += 1

    def __call__(self, images: Tensor) -> Tensor:
        """Logits for images (batch, channel, height, width), 0–1."""
        values = images
        for part in self.parts:
            values = part.run(values)
        return values

    @property
    def fused(self) -> tuple[str, ...]:
        """The names of the layers that are computed in fused blocks."""
        return tuple(name for part in self.parts if part.fused for name in part.layers)


def _fused(
    layer: Layer, module: nn.Module, entering: Shape, after: Layer | None, precision: Precision, *, first: bool
) -> tuple[Step, int] | None:
    """The block that starts at `layer` and how many layers it covers; None if the shapes don't allow one."""
    if not isinstance(layer, Conv2d) or not isinstance(module, nn.Conv2d) or not _suits(layer, module, entering):
        return None
    assert module.bias is not None  # noqa: S101  (every convolution of a design has one)
    tail, used = ops.Tail.RELU, 1
    if isinstance(after, MaxPool2d) and _halves(after, (*entering[:2], layer.filters)):
        tail, used = ops.Tail.RELU_POOL, 2
    elif isinstance(after, GlobalAvgPool2d):
        tail, used = ops.Tail.RELU_MEAN, 2
    if first and entering[2] == 1 and tail is ops.Tail.RELU_POOL:  # images need no gradient
        return partial(_stem, module, torch.bfloat16 if precision == "bfloat16" else torch.float32), used
    if entering[2] % ops.CHANNELS == 0 and precision == "bfloat16":
        return partial(_block, module, tail), used
    return None


def _suits(layer: Conv2d, module: nn.Conv2d, entering: Shape) -> bool:
    window = layer.window(entering)
    return (
        (window.kernel, window.stride, window.dilation) == ((3, 3), (1, 1), (1, 1))
        and (window.before, window.after) == ((1, 1), (1, 1))
        and layer.filters % ops.CHANNELS == 0
        and layer.activation == "relu"
        and layer.normalization == "none"
        and entering[0] * entering[1] <= _LARGEST_IMAGE
        and not module._forward_pre_hooks  # scaled input
    )


def _halves(pool: MaxPool2d, entering: Shape) -> bool:
    window = pool.window(entering)
    return (window.kernel, window.stride, window.before, window.after) == ((2, 2), (2, 2), (0, 0), (0, 0))


# Parameters are looked up at each step: they may be replaced, as `Module.to` may do.
def _block(conv: nn.Conv2d, tail: ops.Tail, values: Tensor) -> Tensor:
    assert conv.bias is not None  # noqa: S101
    return ops.block(values, conv.weight, conv.bias, tail)


def _stem(conv: nn.Conv2d, dtype: torch.dtype, values: Tensor) -> Tensor:
    assert conv.bias is not None  # noqa: S101
    return ops.stem(values, conv.weight, conv.bias, dtype)


def _without_activation(module: nn.Module) -> nn.Module:
    """The same convolution, normalisation and hooks; a shallow copy shares parameters and buffers."""
    bare = copy.copy(module)
    bare.activation = ACTIVATIONS["none"]  # type: ignore[assignment]
    return bare
