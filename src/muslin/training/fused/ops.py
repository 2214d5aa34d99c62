"""The fused blocks as differentiable functions."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from muslin.training.fused.build import library

if TYPE_CHECKING:
    from jaxtyping import Float

CHANNELS = 16
"""Channels come in multiples of this: the lanes of a vector."""


class Tail(IntEnum):
    """What follows the convolution."""

    RELU = 0
    RELU_POOL = 1
    RELU_MEAN = 2


def block(
    images: Float[Tensor, "batch in height width"],
    weight: Float[Tensor, "out in 3 3"],
    bias: Float[Tensor, " out"],
    tail: Tail,
) -> Tensor:
    """A 3×3 convolution with a border of zeros, and what follows it, in bfloat16 with sums in float32.

    Args:
        images: any floating type; rounded to bfloat16.
        weight: float32; rounded to bfloat16.
        bias: float32.
        tail: RELU gives (batch, out, height, width) in bfloat16; RELU_POOL, with 2×2 maxima, (batch, out, height // 2,
            width // 2); RELU_MEAN, over all pixels, (batch, out) in float32.
    """
    result: Tensor = _Block.apply(images, weight, bias, tail)  # type: ignore[no-untyped-call]
    return result


def stem(
    images: Float[Tensor, "batch 1 height width"],
    weight: Float[Tensor, "out 1 3 3"],
    bias: Float[Tensor, " out"],
    dtype: torch.dtype,
) -> Float[Tensor, "batch out height//2 width//2"]:
    """A 3×3 convolution of one-channel images with a border of zeros, ReLU and 2×2 maxima, computed in float32.

    Args:
        images: float32. They get no gradient.
        weight: float32.
        bias: float32.
        dtype: of the result, bfloat16 or float32.
    """
    result: Tensor = _Stem.apply(images, weight, bias, dtype)  # type: ignore[no-untyped-call]
    return result


class _Block(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, tail: Tail) -> Tensor:
        x, weight = _last(x.bfloat16()), _last(weight)
        batch, channels, height, width = x.shape
        out_channels = len(weight)
        if tail is Tail.RELU_MEAN:
            out = torch.empty(batch, out_channels)
            note = torch.empty(batch, height * width, out_channels // 8, dtype=torch.uint8)
        else:
            size = (height, width) if tail is Tail.RELU else (height // 2, width // 2)
            out = _empty_last((batch, out_channels, *size), torch.bfloat16)
            note = out if tail is Tail.RELU else torch.empty(batch, *size, out_channels, dtype=torch.uint8)
        ctx.sizes = (batch, height, width, channels, out_channels, tail, torch.get_num_threads())
        _call("muslin_block_forward", (x, weight, bias, out, note), ctx.sizes)
        ctx.save_for_backward(x, weight, note)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        x, weight, note = ctx.saved_tensors
        grad = grad.float().contiguous() if grad.ndim == 2 else _last(grad.bfloat16())
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_weight, grad_bias = torch.empty_like(weight), weight.new_empty(len(weight))
        _call("muslin_block_backward", (grad, note, x, weight, grad_x, grad_weight, grad_bias), ctx.sizes)
        return grad_x, grad_weight, grad_bias, None


class _Stem(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
        x, weight = x.contiguous(), weight.contiguous()
        batch, _, height, width = x.shape
        size = (height // 2, width // 2)
        out = _empty_last((batch, len(weight), *size), dtype)
        note = torch.empty(batch, *size, len(weight), dtype=torch.uint8)
        ctx.sizes = (batch, height, width, len(weight), dtype == torch.bfloat16, torch.get_num_threads())
        _call("muslin_stem_forward", (x, weight, bias, out, note), ctx.sizes)
        ctx.save_for_backward(x, weight, note)
        ctx.dtype = dtype
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor, None]:
        x, weight, note = ctx.saved_tensors
        grad = _last(grad.to(ctx.dtype))
        grad_weight, grad_bias = torch.empty_like(weight), weight.new_empty(len(weight))
        _call("muslin_stem_backward", (grad, note, x, grad_weight, grad_bias), ctx.sizes)
        return None, grad_weight, grad_bias, None


def _last(values: Tensor) -> Tensor:
    return values.contiguous(memory_format=torch.channels_last)


def _empty_last(shape: tuple[int, int, int, int], dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, memory_format=torch.channels_last)


def _call(name: str, tensors: tuple[Tensor | None, ...], sizes: tuple[int, ...]) -> None:
    pointers = [None if tensor is None else tensor.data_ptr() for tensor in tensors]
    if getattr(library(), name)(*pointers, *sizes):
        raise MemoryError(f"{name}: no memory for the scratch space of {sizes[-1]} threads")
