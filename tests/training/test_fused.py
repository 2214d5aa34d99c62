"""The fused blocks against float32 arithmetic on the values that they see."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from muslin.training.fused import build, ops
from muslin.training.fused.ops import Tail

COMPILED = build.library() is not None
needs_blocks = pytest.mark.skipif(not COMPILED, reason=build.describe())

SIZES = [(4, 14, 14), (3, 7, 7), (2, 9, 20), (5, 28, 28), (1, 1, 1), (2, 5, 30), (2, 1, 8), (1, 16, 1), (2, 2, 15)]
CHANNELS = [(32, 64), (16, 16), (64, 48), (48, 128)]
CASES = [(size, inputs, outputs, tail) for size in SIZES for inputs, outputs in CHANNELS for tail in Tail]


def reference(images: Tensor, conv: nn.Conv2d, tail: Tail) -> Tensor:
    values = functional.conv2d(images, conv.weight.bfloat16().float(), conv.bias, padding=1).relu()
    match tail:
        case Tail.RELU:
            return values
        case Tail.RELU_POOL:
            return functional.max_pool2d(values, 2)
        case Tail.RELU_MEAN:
            return values.mean((2, 3))


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(inputs, outputs, 3, padding=1).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def close(ours: Tensor | None, theirs: Tensor | None) -> bool:
    """As near as bfloat16 results can be: 8 bits each, so 0.4% at most; in the norm, rounding errors mostly cancel."""
    assert ours is not None
    assert theirs is not None
    return bool((ours.float() - theirs).norm() <= 0.006 * theirs.norm() + 1e-6)


@needs_blocks
@pytest.mark.parametrize(("size", "inputs", "outputs", "tail"), CASES)
def test_a_block_and_its_gradients_agree_with_float32(
    size: tuple[int, int, int], inputs: int, outputs: int, tail: Tail
) -> None:
    batch, height, width = size
    if tail is Tail.RELU_POOL and min(height, width) < 2:
        pytest.skip("nothing to pool")
    conv = convolution(inputs, outputs)
    ours = torch.randn(batch, inputs, height, width).bfloat16().requires_grad_()
    theirs = ours.detach().float().requires_grad_()
    result, expected = ops.block(ours, conv.weight, conv.bias, tail), reference(theirs, conv, tail)
    assert result.shape == expected.shape
    assert close(result, expected)
    gradient = torch.randn_like(expected).bfloat16().float()
    found = torch.autograd.grad(result, [ours, conv.weight, conv.bias], gradient.to(result.dtype))
    wanted = torch.autograd.grad(expected, [theirs, conv.weight, conv.bias], gradient)
    for mine, right in zip(found, wanted, strict=True):
        assert mine.shape == right.shape
        assert close(mine, right)


@needs_blocks
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("outputs", [16, 32])
@pytest.mark.parametrize("size", [(4, 28, 28), (3, 9, 7), (1, 2, 3)])
def test_the_stem_and_its_gradients_agree_with_float32(
    size: tuple[int, int, int], outputs: int, dtype: torch.dtype
) -> None:
    batch, height, width = size
    conv = convolution(1, outputs)
    images = torch.rand(batch, 1, height, width)
    result = ops.stem(images, conv.weight, conv.bias, dtype)
    expected = functional.max_pool2d(functional.conv2d(images, conv.weight, conv.bias, padding=1).relu(), 2)
    assert result.dtype == dtype
    gradient = torch.randn_like(expected).bfloat16().float()
    found = torch.autograd.grad(result, [conv.weight, conv.bias], gradient.to(dtype))
    wanted = torch.autograd.grad(expected, [conv.weight, conv.bias], gradient)
    if dtype == torch.float32:
        torch.testing.assert_close(result, expected)
    assert close(result, expected)
    assert all(close(mine, right) for mine, right in zip(found, wanted, strict=True))


@needs_blocks
@pytest.mark.parametrize("tail", Tail)
def test_what_is_not_a_number_does_not_vanish(tail: Tail) -> None:
    conv = convolution(16, 16)
    images = torch.randn(2, 16, 4, 4)
    images[0, 3, 1, 2] = float("nan")
    result = ops.block(images, conv.weight, conv.bias, tail)
    assert result[0].isnan().any()
    assert not result[1].isnan().any()


def everything(images: Tensor, conv: nn.Conv2d, tail: Tail = Tail.RELU_POOL) -> list[Tensor]:
    images = images.detach().requires_grad_()
    result = ops.block(images, conv.weight, conv.bias, tail)
    return [result.detach(), *torch.autograd.grad(result.float().square().sum(), [images, conv.weight, conv.bias])]


@needs_blocks
def test_scratch_memory_carries_nothing_from_shape_to_shape() -> None:
    small, large = convolution(16, 32), convolution(64, 128)
    few, many = torch.randn(3, 16, 5, 6), torch.randn(5, 64, 14, 14)
    first = everything(few, small)
    everything(many, large)
    everything(torch.full_like(many, float("nan")), large)
    again = everything(few, small)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@needs_blocks
@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_any_number_of_threads_gives_the_same_sums_and_the_same_number_the_same_bits(threads: int) -> None:
    conv, images = convolution(32, 64), torch.randn(5, 32, 9, 9)
    before = torch.get_num_threads()
    expected = everything(images, conv)
    try:
        torch.set_num_threads(threads)
        first, again = everything(images, conv), everything(images, conv)
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    for ours, theirs in zip(first, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@needs_blocks
def test_two_trainings_in_one_process_do_not_meet() -> None:
    convs = [convolution(16, 32), convolution(32, 16)]
    inputs = [torch.randn(8, 16, 14, 14), torch.randn(6, 32, 7, 7)]
    alone = [everything(images, conv) for images, conv in zip(inputs, convs, strict=True)]
    wrong: list[int] = []

    def work(which: int) -> None:
        torch.set_num_threads(torch.get_num_threads())  # a new thread counts its own
        for _ in range(20):
            found = everything(inputs[which], convs[which])
            if not all(torch.equal(a, b) for a, b in zip(found, alone[which], strict=True)):
                wrong.append(which)

    workers = [threading.Thread(target=work, args=(which,)) for which in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


@needs_blocks
def test_a_cache_that_others_may_write_to_is_not_trusted(tmp_path: Path) -> None:
    folder = tmp_path / "operators"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(build.Unavailable, match="open to others"):
        build._compiled(folder)
    folder.chmod(0o700)
    compiled = build._compiled(folder)
    assert stat.S_IMODE(compiled.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == [compiled.name]
    elsewhere = tmp_path / "elsewhere.so"
    compiled.rename(elsewhere)
    compiled.symlink_to(elsewhere)
    with pytest.raises(build.Unavailable, match="is a link"):
        build._compiled(folder)


@pytest.mark.skipif("avx512_bf16" not in build.cpu_flags(), reason="without the instructions nobody compiles")
def test_without_a_compiler_there_are_none_and_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(build.Unavailable, match=r"no C\+\+ compiler was found"):
        build._compiled(tmp_path / "operators")
    broken = tmp_path / "c++"
    broken.write_text("#!/bin/sh\necho 'error: nothing works' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(build.Unavailable, match="could not compile them: error: nothing works"):
        build._compiled(tmp_path / "operators")


def test_they_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(build.SWITCH, "0")
    assert build.library() is None
    assert build.describe() == "Training goes the plain way: MUSLIN_FUSED=0."


def test_nothing_is_compiled_before_it_is_asked_for() -> None:
    code = "import muslin.training.loop, muslin.training.fused.build as b; assert b._library.cache_info().misses == 0"
    subprocess.run([sys.executable, "-c", code], check=True)
