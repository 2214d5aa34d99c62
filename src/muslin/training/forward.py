"""Forward pass of training steps: the function that `Network` computes, reordered and fused to run faster."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from muslin.analysis import analyze
from muslin.design import Activation, Conv2d, GlobalAvgPool2d, Layer, MaxPool2d, Shape
from muslin.engine import Precision, ops
from muslin.engine.build import library
from muslin.network import ACTIVATIONS, Network, predict

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

# max(f(a), f(b)) = f(max(a, b)) holds for these. GELU and SiLU are not monotonic.
_NON_DECREASING: frozenset[Activation] = frozenset(("relu", "elu", "tanh", "sigmoid"))
# Above this size the workspace of a fused block no longer fits the cache. Derived from cache size, not measured.
_LARGEST_IMAGE = 64 * 64  # pixels

_NEARLY_ALL = 0.95  # share of the multiplications

Step = Callable[[Tensor], Tensor]


class Part(NamedTuple):
    """One part of the forward pass.

    Attributes:
        name: name shown in tables.
        layers: names of the layers that this part computes; empty for an activation moved behind a pooling.
        run: function that computes this part.
        fused: whether a fused block computes this part, or at least its convolution.
        block: function that returns the current block if the block is the whole part; consecutive blocks run in one
            call.
    """

    name: str
    layers: tuple[str, ...]
    run: Step
    fused: bool = False
    block: Callable[[], ops.Block] | None = None


class Forward:
    """Compute what `Network` computes, optimized for training; maps images to logits.

    Shares the network's parameters and buffers, so gradients arrive there and saved weights keep their format.
    Normalized layers keep the mode they had at construction. Hooks on individual layers may not be called.

    - Max pooling runs before a non-decreasing activation, which then processes a quarter of the values. This shortens a
      step of custom_cnn by 10%.
    - A 3×3 convolution, its ReLU and the following pooling or global mean run as one fused block, where processor,
      compiler and shapes allow it (`muslin.engine`). In float32, other activations and normalized layers also gain: the
      block then computes the convolution only.
    - The output layer runs in float32: converting its few products to bfloat16 would take longer than computing them.
    - If blocks do nearly all multiplications, torch computes the rest on one thread: waking a second thread takes
      longer than such small operations.

    Args:
        network: network on its device, in training mode.
        device: the network's device.
        precision: precision of the steps and of their fused blocks.

    Attributes:
        parts: parts of the forward pass, in order.
        threads: threads that share a block's work: torch's thread count at construction.
        torch_threads: thread count that torch should use during a training step.
    """

    def __init__(self, network: Network, device: torch.device, precision: Precision) -> None:
        self.parts: list[Part] = []
        self.threads = torch.get_num_threads()
        placed, at = list(network.design.placed), 0
        fusing = device.type == "cpu" and library(precision) is not None
        while at < len(placed):
            layer, entering = placed[at][:2]
            after = placed[at + 1][0] if at + 1 < len(placed) else None
            module = network.layer(layer.name)
            if layer is network.design.output_layer:
                self.parts.append(Part(layer.name, (layer.name,), partial(_in_float32, module)))
                break
            blocks = _blocks(layer, module, entering, precision, first=at == 0) if fusing else frozenset()
            tail, used = _tail(layer, entering, after)
            if tail in blocks:
                names = tuple(placed[at + offset][0].name for offset in range(used))
                block = partial(_block, module, tail, precision, self.threads)
                self.parts.append(Part(" + ".join(names), names, partial(_chain, [block]), fused=True, block=block))
                at += used
                continue
            alone = ops.Tail.NONE in blocks
            if alone:
                module = _with_block(module, precision, self.threads)
            if isinstance(layer, Conv2d) and isinstance(after, MaxPool2d) and layer.activation in _NON_DECREASING:
                self.parts.append(Part(layer.name, (layer.name,), _without_activation(module), alone))
                self.parts.append(Part(after.name, (after.name,), network.layer(after.name)))
                self.parts.append(Part(f"{layer.name}'s {layer.activation}", (), ACTIVATIONS[layer.activation]))
                at += 2
            else:
                self.parts.append(Part(layer.name, (layer.name,), module, alone))
                at += 1

        work = {row.name: row.macs for row in analyze(network.design).layers}
        mostly_blocks = sum(work[name] for name in self.fused) >= _NEARLY_ALL * sum(work.values())
        self.torch_threads = 1 if mostly_blocks else self.threads

    def __call__(self, images: Tensor) -> Tensor:
        """Return logits for images (batch, channel, height, width) in 0–1."""
        values = images
        for together, parts in groupby(self.parts, lambda part: part.block is not None):
            if together:
                values = _chain([part.block for part in parts if part.block], values)
            else:
                for part in parts:
                    values = part.run(values)
        return values

    @property
    def fused(self) -> tuple[str, ...]:
        """Names of the layers that fused blocks compute."""
        return tuple(name for part in self.parts if part.fused for name in part.layers)


def predict_fast(
    network: Network, images: UInt8[np.ndarray, "image height width channel"]
) -> Float[np.ndarray, "image classes"]:
    """Compute `muslin.network.predict` through fused blocks where available; equal up to rounding, in float32."""
    training = network.training
    network.eval()  # `Forward` uses the mode at construction
    try:
        device = next(network.parameters()).device
        return predict(network, images, compute=Forward(network, device, "float32"))
    finally:
        network.train(training)


def log_probabilities(
    network: Network, images: UInt8[np.ndarray, "image height width channel"]
) -> Float[Tensor, "image class"]:
    """Return log(predict_fast(…)), with zeros replaced by the smallest normal float32."""
    return torch.from_numpy(predict_fast(network, images)).clamp_min(torch.finfo(torch.float32).tiny).log()


def _blocks(
    layer: Layer, module: nn.Module, entering: Shape, precision: Precision, *, first: bool
) -> frozenset[ops.Tail]:
    """Return the epilogues with which a fused block can compute the convolution of `layer`; empty if none can."""
    if not isinstance(layer, Conv2d) or not isinstance(module, nn.Conv2d):
        return frozenset()
    window = layer.window(entering)
    suits = (
        (window.kernel, window.stride, window.dilation) == ((3, 3), (1, 1), (1, 1))
        and (window.before, window.after) == ((1, 1), (1, 1))
        and entering[0] * entering[1] <= _LARGEST_IMAGE
        and (first or entering[2] > 1)  # one-channel blocks compute no input gradient; the first layer needs none
        and not module._forward_pre_hooks  # input scaling
    )
    return ops.tails(precision, entering[2], layer.filters) if suits else frozenset()


def _tail(layer: Layer, entering: Shape, after: Layer | None) -> tuple[ops.Tail | None, int]:
    """Return the epilogue that covers `layer` and possibly the next layer, and the number of layers covered."""
    if not isinstance(layer, Conv2d) or layer.activation != "relu" or layer.normalization != "none":
        return None, 1
    match after:
        case MaxPool2d() if _halves(after, (*entering[:2], layer.filters)):
            return ops.Tail.RELU_POOL, 2
        case GlobalAvgPool2d():
            return ops.Tail.RELU_MEAN, 2
        case _:
            return ops.Tail.RELU, 1


def _halves(pool: MaxPool2d, entering: Shape) -> bool:
    window = pool.window(entering)
    return (window.kernel, window.stride, window.before, window.after) == ((2, 2), (2, 2), (0, 0), (0, 0))


# Parameters are looked up at every step, because `Module.to` and others may replace them.
def _block(conv: nn.Module, tail: ops.Tail, precision: Precision, threads: int) -> ops.Block:
    assert isinstance(conv, nn.Conv2d)  # noqa: S101  (`_blocks` ensures it)
    assert conv.bias is not None  # noqa: S101  (every convolution of a design has one)
    return ops.Block(conv.weight, conv.bias, tail, precision, threads)


def _chain(blocks: Sequence[Callable[[], ops.Block]], values: Tensor) -> Tensor:
    return ops.chain(values, [block() for block in blocks])


def _with_block(module: nn.Module, precision: Precision, threads: int) -> nn.Module:
    """Return a copy of the layer whose convolution runs in a fused block."""

    def convolve(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        bias = weight.new_zeros(len(weight)) if bias is None else bias
        return ops.block(values, weight, bias, ops.Tail.NONE, precision, threads)

    fused = copy.copy(module)
    vars(fused)["_conv_forward"] = convolve  # torch.nn.Conv2d calls this
    return fused


def _in_float32(module: nn.Module, values: Tensor) -> Tensor:
    with torch.autocast(values.device.type, enabled=False):
        logits: Tensor = module(values.float())
    return logits


def _without_activation(module: nn.Module) -> nn.Module:
    """Return the same convolution, normalization and hooks; the shallow copy shares parameters and buffers."""
    bare = copy.copy(module)
    bare.activation = ACTIVATIONS["none"]  # type: ignore[assignment]
    return bare
