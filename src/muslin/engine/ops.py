"""Fused blocks as differentiable functions."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from muslin._words import count
from muslin.engine import Precision
from muslin.engine.build import library

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int64, UInt8

CHANNELS: dict[Precision, int] = {"bfloat16": 16, "float32": 8}
"""Channel counts must be multiples of this, the number of lanes in a vector register."""


class Tail(IntEnum):
    """Epilogue: what a block computes after the convolution."""

    RELU = 0
    RELU_POOL = 1
    RELU_MEAN = 2
    NONE = 3


def tails(precision: Precision, inputs: int, outputs: int) -> frozenset[Tail]:
    """Return the epilogues available for these channel counts; with one input channel, without an input gradient."""
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
    """Return a 3×3 convolution with zero padding 1, followed by an epilogue. Sums are accumulated in float32.

    In bfloat16, factors are rounded to bfloat16, except that one-channel images are multiplied in float32. In float32,
    the convolution uses Winograd's F(4×4, 3×3), whose rounding error is about ten times that of direct multiplication.

    Args:
        images: images of any floating type. One-channel images get no gradient.
        weight: kernels, float32.
        bias: biases, float32.
        tail: epilogue. RELU, and NONE (no activation), return (batch, out, height, width); RELU_POOL, with 2×2 max
            pooling, (batch, out, height // 2, width // 2); RELU_MEAN, the mean over all pixels, (batch, out), always
            float32.
        precision: precision of the products and the output.
        threads: number of threads that share the images (default: torch's thread count).
    """
    return chain(images, [Block(weight, bias, tail, precision, threads or torch.get_num_threads())])


def batch(
    images: UInt8[Tensor, "image height width channel"],
    chosen: Int64[Tensor, " batch"],
    mirrored: Bool[Tensor, " batch"] | None,
    moves: Int64[Tensor, "batch 2"] | None,
    threads: int,
) -> Float[Tensor, "batch channel height width"]:
    """Return the batch that `muslin.training.batches` makes, bit-identical; requires float32 blocks.

    Args:
        images: all images.
        chosen: indices of the batch's images.
        mirrored: whether each image of the batch is mirrored left to right; None for no mirroring.
        moves: pixels by which each image then moves down and right; None for no move.
        threads: number of threads that share the images.
    """
    _, height, width, channels = images.shape
    out = torch.empty(len(chosen), height, width, channels)
    sizes = (len(chosen), height, width, channels, threads)
    _call("float32", "muslin_batch", (images, chosen, mirrored, moves, out), sizes)
    return out.permute(0, 3, 1, 2)


def muon_step(kernel: Tensor, momentum: Tensor, decay: float, rate: float, iterations: int, threads: int) -> None:
    """Apply `muslin.training.optimizers.Muon` to one kernel in a single call; requires float32 blocks.

    Args:
        kernel: float32 kernel, (out, in, height, width) in channels-last layout, or (out, in); updated in place.
        momentum: momentum in the kernel's layout; updated in place.
        decay: decay rate of the momentum.
        rate: step size.
        iterations: number of iterations of `muslin.training.optimizers.orthogonalize`.
        threads: maximum number of threads, used for large kernels; does not change the bits.
    """
    assert kernel.grad is not None  # noqa: S101  (the caller ensures it)
    assert kernel.grad is not None  # noqa: S101  (the caller saw to it)
    gradient = _last(kernel.grad) if kernel.ndim == 4 else kernel.grad.contiguous()
    sizes = (len(kernel), kernel[0].numel(), iterations, threads)
    _call("float32", "muslin_muon_step", (kernel, gradient, momentum), (decay, rate, *sizes))


class Block(NamedTuple):
    """A convolution and its epilogue, as `block` computes them.

    Attributes:
        weight, bias: parameters of the convolution.
        tail: epilogue.
        precision: precision of the products.
        threads: number of threads that share the images.
    """

    weight: Tensor
    bias: Tensor
    tail: Tail
    precision: Precision
    threads: int


def chain(images: Tensor, blocks: Sequence[Block]) -> Tensor:
    """Run blocks in sequence as one autograd function, so that the per-call overhead is paid once.

    Each block's epilogue must be one that `tails` returns for its precision and channel counts.
    """
    if not torch.is_grad_enabled():  # nothing needs to be saved for a backward pass
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
    """Return the output and what the backward pass needs: the input, the weights, and the epilogue's selections."""
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
    """Return the gradients of the input (None unless `wants`), the weights and the biases."""
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
    """Convolve one-channel images in bfloat16; the pixels stay float32."""
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
    """Return the gradients of the weights and the biases."""
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
        raise MemoryError(f"{name}: not enough memory or threads ({count(int(sizes[-1]), 'thread')} requested)")
