"""The fused blocks against exact arithmetic on the values that they see."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers import fused
from muslin.engine import Precision, ops
from muslin.engine.ops import Tail

SIZES = [(4, 14, 14), (3, 7, 7), (2, 9, 20), (5, 28, 28), (1, 1, 1), (2, 5, 30), (2, 1, 8), (1, 16, 1), (2, 2, 15)]
CHANNELS = [(32, 64), (16, 16), (64, 48), (48, 128), (8, 24), (72, 8), (1, 32), (1, 16)]
CASES = [
    (precision, size, inputs, outputs, tail)
    for precision in fused.PRECISIONS
    for size in SIZES
    for inputs, outputs in CHANNELS
    for tail in sorted(ops.tails(precision, inputs, outputs))
    if tail is not Tail.RELU_POOL or min(size[1:]) >= 2  # else there is nothing to pool
]
# bfloat16 has 8 bits, so a result may be 0.4% off; in the norm rounding errors mostly cancel. Winograd's transforms in
# float32 lose about a digit of seven.
TOLERANCE: dict[Precision, float] = {"bfloat16": 0.006, "float32": 1e-5}
CLOSE = 1e-4  # to zero, or to another maximum: there rounding may decide


@pytest.fixture(params=fused.PRECISIONS)
def precision(request: pytest.FixtureRequest) -> Precision:
    chosen: Precision = request.param
    return chosen


def reference(values: Tensor, tail: Tail) -> Tensor:
    """The tail, from what leaves the convolution."""
    match tail:
        case Tail.NONE:
            return values
        case Tail.RELU:
            return values.relu()
        case Tail.RELU_POOL:
            return functional.max_pool2d(values.relu(), 2)
        case Tail.RELU_MEAN:
            return values.relu().mean((2, 3))


def decided(values: Tensor, tail: Tail) -> Tensor:
    """Where no rounding can change what a ReLU or a maximum chooses: elsewhere gradients aren't compared."""
    match tail:
        case Tail.NONE:
            return torch.ones_like(values)
        case Tail.RELU:
            return values.abs() > CLOSE
        case Tail.RELU_POOL:
            batch, channels, height, width = values.shape
            windows = functional.unfold(values.flatten(0, 1)[:, None], 2, stride=2)
            most = windows.topk(2, dim=1).values
            clear = (most[:, 0].abs() > CLOSE) & (most[:, 0] - most[:, 1] > CLOSE)
            return clear.reshape(batch, channels, height // 2, width // 2)
        case Tail.RELU_MEAN:
            return (values.abs() > CLOSE).all(dim=(2, 3))


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(inputs, outputs, 3, padding=1).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def close(ours: Tensor | None, theirs: Tensor | None, precision: Precision) -> bool:
    assert ours is not None
    assert theirs is not None
    return bool((ours.double() - theirs).norm() <= TOLERANCE[precision] * theirs.norm() + 1e-6)


@pytest.mark.parametrize(("precision", "size", "inputs", "outputs", "tail"), CASES)
def test_a_block_and_its_gradients_agree_with_exact_arithmetic(
    precision: Precision, size: tuple[int, int, int], inputs: int, outputs: int, tail: Tail
) -> None:
    batch, height, width = size
    conv, images = convolution(inputs, outputs), torch.randn(batch, inputs, height, width)
    weight = conv.weight.detach()
    if precision == "bfloat16":
        images = images.bfloat16().float()
        weight = weight.bfloat16().float() if inputs > 1 else weight
    images.requires_grad_(inputs > 1)  # one-channel images get no gradient
    exact = [part.detach().double().requires_grad_() for part in (images, weight, conv.bias)]
    values = functional.conv2d(*exact, padding=1)
    expected = reference(values, tail)
    result = ops.block(images, conv.weight, conv.bias, tail, precision)
    assert result.shape == expected.shape
    assert result.dtype == (torch.bfloat16 if precision == "bfloat16" and result.ndim == 4 else torch.float32)
    assert close(result, expected, precision)
    gradient = torch.randn_like(expected).bfloat16().double() * decided(values.detach(), tail)
    learned = [images, conv.weight, conv.bias] if inputs > 1 else [conv.weight, conv.bias]
    found = torch.autograd.grad(result, learned, gradient.to(result.dtype))
    wanted = torch.autograd.grad(expected, exact[-len(learned) :], gradient)
    for mine, right in zip(found, wanted, strict=True):
        assert mine.shape == right.shape
        assert close(mine, right, precision)


@pytest.mark.parametrize(
    ("precision", "tail"),
    [(precision, tail) for precision in fused.PRECISIONS for tail in sorted(ops.tails(precision, 16, 16))],
)
def test_what_is_not_a_number_does_not_vanish(precision: Precision, tail: Tail) -> None:
    conv = convolution(16, 16)
    images = torch.randn(2, 16, 4, 4)
    images[0, 3, 1, 2] = float("nan")
    result = ops.block(images, conv.weight, conv.bias, tail, precision)
    assert result[0].isnan().any()
    assert not result[1].isnan().any()


def test_of_equal_maxima_the_first_gets_the_gradient(precision: Precision) -> None:
    """As torch's own max-pooling has it, in reading order."""
    conv = convolution(16, 16)
    with torch.no_grad():
        conv.weight.zero_()
        conv.bias.fill_(1.0)
    images = torch.ones(1, 16, 4, 4, requires_grad=True)
    result = ops.block(images, conv.weight, conv.bias, Tail.RELU_POOL, precision)
    found = torch.autograd.grad(result.float().sum(), conv.weight)[0]
    plain = functional.max_pool2d(functional.conv2d(images, conv.weight, conv.bias, padding=1).relu(), 2)
    torch.testing.assert_close(found, torch.autograd.grad(plain.sum(), conv.weight)[0], rtol=1e-5, atol=1e-5)


def everything(images: Tensor, conv: nn.Conv2d, precision: Precision, tail: Tail = Tail.RELU_POOL) -> list[Tensor]:
    images = images.detach().requires_grad_()
    result = ops.block(images, conv.weight, conv.bias, tail, precision)
    return [result.detach(), *torch.autograd.grad(result.float().square().sum(), [images, conv.weight, conv.bias])]


def test_scratch_memory_carries_nothing_from_shape_to_shape(precision: Precision) -> None:
    small, large = convolution(16, 32), convolution(64, 128)
    few, many = torch.randn(3, 16, 5, 6), torch.randn(5, 64, 14, 14)
    first = everything(few, small, precision)
    everything(many, large, precision)
    everything(torch.full_like(many, float("nan")), large, precision)
    again = everything(few, small, precision)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_any_number_of_threads_gives_the_same_sums_and_the_same_number_the_same_bits(
    threads: int, precision: Precision
) -> None:
    conv, images = convolution(32, 64), torch.randn(5, 32, 9, 9)
    before = torch.get_num_threads()
    expected = everything(images, conv, precision)
    try:
        torch.set_num_threads(threads)
        first, again = everything(images, conv, precision), everything(images, conv, precision)
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    for ours, theirs in zip(first, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_two_trainings_in_one_process_do_not_meet(precision: Precision) -> None:
    convs = [convolution(16, 32), convolution(32, 16)]
    inputs = [torch.randn(8, 16, 14, 14), torch.randn(6, 32, 7, 7)]
    alone = [everything(images, conv, precision) for images, conv in zip(inputs, convs, strict=True)]
    wrong: list[int] = []

    def work(which: int) -> None:
        torch.set_num_threads(torch.get_num_threads())  # a new thread counts its own
        for _ in range(20):
            found = everything(inputs[which], convs[which], precision)
            if not all(torch.equal(a, b) for a, b in zip(found, alone[which], strict=True)):
                wrong.append(which)

    workers = [threading.Thread(target=work, args=(which,)) for which in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


FORK = """
import os, signal, sys, torch
from muslin.engine import ops
def forward():
    images, weight = torch.ones(4, 16, 6, 6), torch.ones(16, 16, 3, 3)
    return ops.block(images, weight, torch.ones(16), ops.Tail.RELU, "PRECISION", threads=2)
expected = forward()
child = os.fork()
signal.alarm(50)  # a child that waits for its parent's threads waits for ever
if child and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
    sys.exit("the child failed")
sys.exit(0 if not USES or torch.equal(forward(), expected) else "other numbers")
"""


@pytest.mark.long
@pytest.mark.parametrize("uses", [False, True])
def test_a_forked_process_computes_and_ends_as_others_do(uses: bool, precision: Precision) -> None:
    code = FORK.replace("PRECISION", precision).replace("USES", str(uses))
    subprocess.run([sys.executable, "-c", code], check=True)
