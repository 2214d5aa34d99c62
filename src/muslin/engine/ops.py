"""The fused blocks as differentiable functions."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from muslin.engine import Precision
from muslin.engine.build import library

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int64, UInt8

CHANNELS: dict[Precision, int] = {"bfloat16": 16, "float32": 8}
"""Channels come in multiples of this: the lanes of a vector."""


class Tail(IntEnum):
    """What follows the convolution."""

    RELU = 0
    RELU_POOL = 1
    RELU_MEAN = 2
    NONE = 3


def tails(precision: Precision, inputs: int, outputs: int) -> frozenset[Tail]:
    """What may follow a convolution of so many channels in and out; with one in, on images that need no gradient."""
    lanes = CHANNELS[precision]
    if outputs % lanes or (inputs > 1 and inputs % lanes):
        return frozenset()
    if precision == "float32":
        return frozenset(Tail)
    return frozenset((Tail.RELU, Tail.RELU_POOL)) if inputs == 1 else frozenset(Tail) - {Tail.NONE}


def block(
    images: Float[Tensor, "batch in height width"],
    weight: Float[Tensor, "out in 3 3"],
    bias: Float[Tensor, " out"],
    tail: Tail,
    precision: Precision,
    threads: int | None = None,
) -> Tensor:
    """A 3×3 convolution with a border of zeros, and what follows it. Sums run in float32.

    In bfloat16 the products are of values rounded to that; one-channel images are multiplied in float32. In float32
    they are Winograd's F(4×4, 3×3), which rounds about ten times as much as multiplying out would.

    Args:
        images: any floating type. They get no gradient if they have one channel.
        weight: float32.
        bias: float32.
        tail: RELU, and NONE without rectifying, give (batch, out, height, width); RELU_POOL, with 2×2 maxima, (batch,
            out, height // 2, width // 2); RELU_MEAN, over all pixels, (batch, out), always in float32.
        precision: of the products, and of what leaves.
        threads: that share the images; by default as many as torch has.
    """
    return chain(images, [Block(weight, bias, tail, precision, threads or torch.get_num_threads())])


def batch(
    images: UInt8[Tensor, "image height width channel"],
    chosen: Int64[Tensor, " batch"],
    mirrored: Bool[Tensor, " batch"] | None,
    moves: Int64[Tensor, "batch 2"] | None,
    threads: int,
) -> Float[Tensor, "batch channel height width"]:
    """What `muslin.training.batches` makes of some images, to the bit; only where there are float32 blocks.

    Args:
        images: all of them.
        chosen: those of the batch.
        mirrored: which of these are mirrored left and right; None for none.
        moves: by how many pixels each is then moved down and right; None for not at all.
        threads: that share the images.
    """
    _, height, width, channels = images.shape
    out = torch.empty(len(chosen), height, width, channels)
    sizes = (len(chosen), height, width, channels, threads)
    _call("float32", "muslin_batch", (images, chosen, mirrored, moves, out), sizes)
    return out.permute(0, 3, 1, 2)


def muon_step(kernel: Tensor, momentum: Tensor, decay: float, rate: float, iterations: int, threads: int) -> None:
    """What `muslin.training.optimizers.Muon` does to one kernel, in one call; only where there are float32 blocks.

    Args:
        kernel: float32 (out, in, height, width), channels last, or (out, in); moved in place, by its gradient.
        momentum: laid out as the kernel is; moved in place.
        decay: of the momentum.
        rate: the step's length.
        iterations: of `muslin.training.optimizers.orthogonalize`.
        threads: that share the work where it is worth it; their number doesn't change the bits.
    """
    assert kernel.grad is not None  # noqa: S101  (the caller saw to it)
    gradient = _last(kernel.grad) if kernel.ndim == 4 else kernel.grad.contiguous()
    sizes = (len(kernel), kernel[0].numel(), iterations, threads)
    _call("float32", "muslin_muon_step", (kernel, gradient, momentum), (decay, rate, *sizes))


class Block(NamedTuple):
    """A convolution and its tail, as `block` computes them.

    Attributes:
        weight, bias: of the convolution.
        tail: what follows.
        precision: of the products.
        threads: that share the images.
    """

    weight: Tensor
    bias: Tensor
    tail: Tail
    precision: Precision
    threads: int


def chain(images: Tensor, blocks: Sequence[Block]) -> Tensor:
    """Block after block, as one differentiable function: torch is on its way to each of them as long as to all.

    Only tails that `tails` has for the block's precision and channels.
    """
    if not torch.is_grad_enabled():  # then nothing has to be kept
        for made in blocks:
            images = _forward(images, *made)[0]
        return images
    plan = tuple((made.tail, made.precision, made.threads) for made in blocks)
    arrays = [array for made in blocks for array in (made.weight, made.bias)]
    result: Tensor = _Chain.apply(images, plan, *arrays)  # type: ignore[no-untyped-call]
    return result


class _Chain(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, plan: tuple[tuple[Tail, Precision, int], ...], *arrays: Tensor) -> Tensor:
        ctx.plan, saved = plan, []
        for (tail, precision, threads), weight, bias in zip(plan, arrays[::2], arrays[1::2], strict=True):
            x, *kept = _forward(x, weight, bias, tail, precision, threads)
            saved += kept
        ctx.save_for_backward(*saved)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        saved, gradients = list(ctx.saved_tensors), list[Tensor]()
        wanted: Tensor | None = grad
        for number, (tail, precision, threads) in reversed(list(enumerate(ctx.plan))):
            x, weight, note = saved[3 * number : 3 * number + 3]
            assert wanted is not None  # noqa: S101  (only images have one channel, and only they need no gradient)
            if _is_stem(x, precision):
                wanted, *found = None, *_stem_backward(wanted, x, weight, note, tail, precision, threads)
            else:
                wants = x.shape[1] > 1 and (number > 0 or ctx.needs_input_grad[0])
                wanted, *found = _block_backward(wanted, x, weight, note, tail, precision, threads, wants)
            gradients[:0] = found
        return wanted, None, *gradients


def _is_stem(x: Tensor, precision: Precision) -> bool:
    return precision == "bfloat16" and x.shape[1] == 1


def _forward(
    x: Tensor, weight: Tensor, bias: Tensor, tail: Tail, precision: Precision, threads: int
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """What leaves; and what the backward pass needs: what entered, the weights, and a note on what the tail chose."""
    forward = _stem_forward if _is_stem(x, precision) else _block_forward
    return forward(x, weight, bias, tail, precision, threads)


def _block_forward(
    x: Tensor, weight: Tensor, bias: Tensor, tail: Tail, precision: Precision, threads: int
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    x, weight = _last(x.to(_dtype(precision))), _last(weight)
    batch, channels, height, width = x.shape
    out_channels = len(weight)
    if tail is Tail.RELU_MEAN:
        out = torch.empty(batch, out_channels)
        note = torch.empty(batch, height * width, out_channels // 8, dtype=torch.uint8)
    else:
        size = (height // 2, width // 2) if tail is Tail.RELU_POOL else (height, width)
        out = _empty_last((batch, out_channels, *size), x.dtype)
        note = torch.empty(batch, *size, out_channels, dtype=torch.uint8) if tail is Tail.RELU_POOL else out
    sizes = (batch, height, width, channels, out_channels, tail, threads)
    _call(precision, "muslin_block_forward", (x, weight, bias, out, note), sizes)
    return out, x, weight, None if tail is Tail.NONE else note


def _block_backward(
    grad: Tensor, x: Tensor, weight: Tensor, note: Tensor, tail: Tail, precision: Precision, threads: int, wants: bool
) -> tuple[Tensor | None, Tensor, Tensor]:
    """The gradients of what entered, if anyone wants it, of the weights and of the biases."""
    grad = grad.float().contiguous() if grad.ndim == 2 else _last(grad.to(x.dtype))
    grad_x = torch.empty_like(x) if wants else None
    grad_weight, grad_bias = torch.empty_like(weight), weight.new_empty(len(weight))
    batch, channels, height, width = x.shape
    sizes = (batch, height, width, channels, len(weight), tail, threads)
    tensors = (grad, note, x, weight, grad_x, grad_weight, grad_bias)
    _call(precision, "muslin_block_backward", tensors, sizes)
    return grad_x, grad_weight, grad_bias


def _stem_forward(
    x: Tensor, weight: Tensor, bias: Tensor, tail: Tail, precision: Precision, threads: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """On one-channel images, in bfloat16: the pixels stay float32."""
    x, weight = x.float().contiguous(), weight.contiguous()
    batch, _, height, width = x.shape
    size = (height // 2, width // 2) if tail is Tail.RELU_POOL else (height, width)
    out = _empty_last((batch, len(weight), *size), _dtype(precision))
    note = torch.empty(batch, *size, len(weight), dtype=torch.uint8) if tail is Tail.RELU_POOL else out
    sizes = (batch, height, width, len(weight), tail, threads)
    _call(precision, "muslin_stem_forward", (x, weight, bias, out, note), sizes)
    return out, x, weight, note


def _stem_backward(
    grad: Tensor, x: Tensor, weight: Tensor, note: Tensor, tail: Tail, precision: Precision, threads: int
) -> tuple[Tensor, Tensor]:
    """The gradients of the weights and of the biases."""
    grad = _last(grad.to(_dtype(precision)))
    grad_weight, grad_bias = torch.empty_like(weight), weight.new_empty(len(weight))
    batch, _, height, width = x.shape
    sizes = (batch, height, width, len(weight), tail, threads)
    _call(precision, "muslin_stem_backward", (grad, note, x, grad_weight, grad_bias), sizes)
    return grad_weight, grad_bias


def _dtype(precision: Precision) -> torch.dtype:
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def _last(values: Tensor) -> Tensor:
    return values.contiguous(memory_format=torch.channels_last)


def _empty_last(shape: tuple[int, int, int, int], dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, memory_format=torch.channels_last)


def _call(precision: Precision, name: str, tensors: tuple[Tensor | None, ...], sizes: tuple[float, ...]) -> None:
    pointers = [None if tensor is None else tensor.data_ptr() for tensor in tensors]
    if getattr(library(precision), name)(*pointers, *sizes):
        raise MemoryError(f"{name}: no memory, or no threads, for {sizes[-1]} threads' share of the work")
