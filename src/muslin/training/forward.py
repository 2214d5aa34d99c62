"""The network as training steps compute it: the same function, in an order and in pieces that cost less."""

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

# max(f(a), f(b)) = f(max(a, b)) for these. GELU and SiLU fall before they rise.
_NON_DECREASING: frozenset[Activation] = frozenset(("relu", "elu", "tanh", "sigmoid"))
# Beyond it the scratch space of a fused block no longer fits the cache. Chosen by that; not measured.
_LARGEST_IMAGE = 64 * 64  # pixels

_NEARLY_ALL = 0.95  # of the multiplications

Step = Callable[[Tensor], Tensor]


class Part(NamedTuple):
    """A piece of the computation.

    Attributes:
        name: for tables.
        layers: the names of the layers that it computes; empty for an activation that waited for a pooling.
        run: computes it.
        fused: by a fused block, if only the convolution.
        block: if that is all of it, the block as it is now; blocks in a row are computed together.
    """

    name: str
    layers: tuple[str, ...]
    run: Step
    fused: bool = False
    block: Callable[[], ops.Block] | None = None


class Forward:
    """Computes what `Network` computes, for training: call it with images, get logits.

    It shares the network's parameters and buffers, so gradients arrive there, and what is saved never changes. The mode
    of normalised layers is the one they were in when it was made. Hooks on single layers are not all called.

    - A max-pooling goes before a non-decreasing activation, which then works on a quarter of the values: a step of the
      library's network takes 10% less.
    - A 3×3 convolution, its ReLU, and the pooling or global mean behind it become one fused block, where the processor,
      a compiler and the shapes allow (`muslin.engine`). In float32 other activations and normalised layers
      profit too: the convolution alone is a block then.
    - The output layer computes in float32: its few products take less time than turning them into bfloat16.
    - Where blocks do nearly all of the multiplications, torch does the rest on one thread: to wake a second one takes
      longer than such small operations do.

    Args:
        network: on its device, in training mode.
        device: the network's.
        precision: of the steps, and of their fused blocks.

    Attributes:
        parts: what is computed, in order.
        threads: that share the work of a block: as many as torch had when it was made.
        torch_threads: how many torch should have for a training step.
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
        """Logits for images (batch, channel, height, width), 0–1."""
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
        """The names of the layers that are computed in fused blocks."""
        return tuple(name for part in self.parts if part.fused for name in part.layers)


def predict_fast(
    network: Network, images: UInt8[np.ndarray, "image height width channel"]
) -> Float[np.ndarray, "image classes"]:
    """`muslin.network.predict` through fused blocks, where there are any: the same up to rounding, in float32."""
    training = network.training
    network.eval()  # the mode that `Forward` finds
    try:
        device = next(network.parameters()).device
        return predict(network, images, compute=Forward(network, device, "float32"))
    finally:
        network.train(training)


def log_probabilities(
    network: Network, images: UInt8[np.ndarray, "image height width channel"]
) -> Float[Tensor, "image class"]:
    """The logarithms of what `predict_fast` gives; what was rounded to zero counts as the least that is not."""
    return torch.from_numpy(predict_fast(network, images)).clamp_min(torch.finfo(torch.float32).tiny).log()


def _blocks(
    layer: Layer, module: nn.Module, entering: Shape, precision: Precision, *, first: bool
) -> frozenset[ops.Tail]:
    """The tails that a fused block may have that does the convolution of `layer`; none, if there is no such block."""
    if not isinstance(layer, Conv2d) or not isinstance(module, nn.Conv2d):
        return frozenset()
    window = layer.window(entering)
    suits = (
        (window.kernel, window.stride, window.dilation) == ((3, 3), (1, 1), (1, 1))
        and (window.before, window.after) == ((1, 1), (1, 1))
        and entering[0] * entering[1] <= _LARGEST_IMAGE
        and (first or entering[2] > 1)  # images need no gradient; there is a block for one channel that gives none
        and not module._forward_pre_hooks  # scaled input
    )
    return ops.tails(precision, entering[2], layer.filters) if suits else frozenset()


def _tail(layer: Layer, entering: Shape, after: Layer | None) -> tuple[ops.Tail | None, int]:
    """The tail of the block that would do all of `layer` and maybe the layer after it, and how many layers that are."""
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


# Parameters are looked up at each step: they may be replaced, as `Module.to` may do.
def _block(conv: nn.Module, tail: ops.Tail, precision: Precision, threads: int) -> ops.Block:
    assert isinstance(conv, nn.Conv2d)  # noqa: S101  (`_blocks` saw to it)
    assert conv.bias is not None  # noqa: S101  (every convolution of a design has one)
    return ops.Block(conv.weight, conv.bias, tail, precision, threads)


def _chain(blocks: Sequence[Callable[[], ops.Block]], values: Tensor) -> Tensor:
    return ops.chain(values, [block() for block in blocks])


def _with_block(module: nn.Module, precision: Precision, threads: int) -> nn.Module:
    """The same layer, its convolution done by a fused block."""

    def convolve(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        bias = weight.new_zeros(len(weight)) if bias is None else bias
        return ops.block(values, weight, bias, ops.Tail.NONE, precision, threads)

    fused = copy.copy(module)
    vars(fused)["_conv_forward"] = convolve  # what torch.nn.Conv2d calls
    return fused


def _in_float32(module: nn.Module, values: Tensor) -> Tensor:
    with torch.autocast(values.device.type, enabled=False):
        logits: Tensor = module(values.float())
    return logits


def _without_activation(module: nn.Module) -> nn.Module:
    """The same convolution, normalisation and hooks; a shallow copy shares parameters and buffers."""
    bare = copy.copy(module)
    bare.activation = ACTIVATIONS["none"]  # type: ignore[assignment]
    return bare
