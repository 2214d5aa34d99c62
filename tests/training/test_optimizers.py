from __future__ import annotations

import pytest
import torch

from helpers.fused import missing
from muslin.design import load_design, parse_design
from muslin.engine import build
from muslin.engine.machine import torch_threads
from muslin.network import Network
from muslin.recipe import Muon as MuonSettings
from muslin.recipe import load_recipe
from muslin.training.optimizers import Muon, build_optimizers, orthogonalize


@pytest.mark.parametrize("shape", [(32, 9), (64, 288), (128, 576), (9, 32), (5, 5)])
def test_orthogonalized_matrices_have_singular_values_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(matrix, 5))
    assert values.min() > 0.3
    assert values.max() < 1.3


def test_orthogonalizing_keeps_the_singular_directions() -> None:
    matrix = torch.randn(6, 9, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    core = left.mT @ orthogonalize(matrix, 3) @ right.mT
    assert torch.allclose(core, torch.diag(core.diagonal()), atol=1e-4)


@pytest.mark.parametrize("shape", [(6, 9), (9, 6)])
def test_matrices_move_as_torchs_own_muon_moves_them(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(2)
    ours = torch.nn.Parameter(torch.randn(shape, generator=generator))
    theirs = torch.nn.Parameter(ours.detach().clone())
    mine = Muon([ours], MuonSettings(learning_rate=0.1, momentum=0.9, iterations=5))
    reference = torch.optim.Muon([theirs], lr=0.1, momentum=0.9, ns_steps=5, weight_decay=0.0)
    for _ in range(3):
        ours.grad = torch.randn(shape, generator=generator)
        theirs.grad = ours.grad.clone()
        mine.step()
        reference.step()
    # torch averages the momentum (its step has the same direction) and orthogonalizes in bfloat16.
    torch.testing.assert_close(ours, theirs, atol=0.02, rtol=0)


def test_a_kernel_moves_as_the_matrix_of_its_outputs_and_inputs() -> None:
    generator = torch.Generator().manual_seed(3)
    kernel = torch.nn.Parameter(torch.randn(4, 3, 2, 2, generator=generator))
    matrix = torch.nn.Parameter(kernel.detach().flatten(1).clone())
    kernel.grad = torch.randn(4, 3, 2, 2, generator=generator)
    matrix.grad = kernel.grad.flatten(1).clone()
    for array in (kernel, matrix):
        Muon([array], MuonSettings()).step()
    torch.testing.assert_close(kernel.flatten(1), matrix)


def kernel_of(shape: tuple[int, ...], seed: int) -> torch.nn.Parameter:
    generator = torch.Generator().manual_seed(seed)
    made = torch.nn.Parameter(torch.randn(shape, generator=generator))
    made.grad = torch.randn(shape, generator=generator)
    if len(shape) == 4:
        made.data = made.data.contiguous(memory_format=torch.channels_last)
        made.grad = made.grad.contiguous(memory_format=torch.channels_last)
    return made


SHAPES = [
    (32, 1, 3, 3),
    (64, 32, 3, 3),
    (128, 64, 3, 3),
    (16, 8, 5, 5),
    (7, 3, 2, 1),
    (40, 100),
    (100, 41),
    (9, 9),
    (1, 5),
]


@pytest.mark.skipif(bool(missing("float32")), reason=missing("float32"))
@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_in_one_call_is_that_of_torch_and_the_same_for_any_threads(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = MuonSettings(learning_rate=0.1, momentum=0.9, iterations=3)

    def moved(threads: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        with torch_threads(threads):
            kernel = kernel_of(shape, 4)
            kernel.data, kernel.grad = kernel.data.to(dtype), kernel.grad.to(dtype)  # type: ignore[union-attr]
            muon = Muon([kernel], settings)
            for _ in range(3):  # the momentum counts from the second on
                muon.step()
        return kernel.detach()

    exact = moved(1, torch.float64)
    fused = [moved(threads) for threads in (1, 2, 3)]
    monkeypatch.setenv(build.SWITCH, "0")
    plain = moved(1)
    assert torch.equal(fused[0], fused[1])
    assert torch.equal(fused[0], fused[2])
    assert (fused[0] - exact).norm() <= 3 * (plain - exact).norm() + 1e-6 * exact.norm()


def test_a_kernel_in_another_order_of_memory_moves_the_same() -> None:
    last, first = kernel_of((16, 8, 3, 3), 5), kernel_of((16, 8, 3, 3), 5)
    first.data, first.grad = first.data.contiguous(), first.grad.contiguous()  # type: ignore[union-attr]
    for kernel in (last, first):
        Muon([kernel], MuonSettings()).step()
    torch.testing.assert_close(last.detach(), first.detach())


def test_a_gradient_that_is_no_number_makes_the_kernel_none() -> None:
    kernel = kernel_of((16, 8, 3, 3), 6)
    kernel.grad[3, 2, 1, 0] = float("nan")  # type: ignore[index]
    Muon([kernel], MuonSettings()).step()
    assert kernel.isnan().all()


def test_kernels_go_to_muon_and_the_rest_to_adam() -> None:
    network = Network(load_design("custom_cnn"))
    muon, rest = build_optimizers(network, load_recipe("fast"))
    assert isinstance(muon, Muon)
    assert [tuple(array.shape[:2]) for array in muon.param_groups[0]["params"]] == [(32, 1), (64, 32), (128, 64)]
    output, biases = rest.param_groups
    assert [tuple(array.shape) for array in output["params"]] == [(10, 128), (10,)]
    assert [len(array) for array in biases["params"]] == [32, 64, 128]
    assert (output["lr"], biases["lr"]) == (0.008, 0.015)
    count = sum(array.numel() for part in (muon, rest) for group in part.param_groups for array in group["params"])
    assert count == 93_962


def test_a_design_of_one_layer_needs_no_muon() -> None:
    text = """
    name = "linear"
    input_shape = [4, 4, 1]
    layers = [{kind = "flatten", name = "flatten"}, {kind = "dense", name = "output", units = 2}]
    """
    (only,) = build_optimizers(Network(parse_design(text)), load_recipe("fast"))
    assert isinstance(only, torch.optim.AdamW)
