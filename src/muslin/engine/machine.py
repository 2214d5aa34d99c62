"""The machine that trains: device, precision, and how its memory allocator behaves."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import platform
import time
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from muslin._disk.cache import cache_folder
from muslin._disk.files import write_text
from muslin.engine import Precision
from muslin.errors import TrainingError

# glibc's mallopt parameters (malloc.h) and a value above any block that training asks for.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP_UP_TO = 1 << 30  # bytes
_PEAK_SIZE, _PEAK_SECONDS = 2048, 0.6  # rows and columns; how long to look for the best time
_UNDISTURBED = 0.9  # share of the processor time asked for that a process gets on an idle machine
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # x86: AVX-512 BF16, AMX; ARM: BF16


def pick_device(name: str | None = None) -> torch.device:
    """The device called `name`; without a name CUDA, then MPS, then the CPU, whichever is there first.

    Raises:
        TrainingError: the device is unknown to PyTorch, or not on this machine.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise TrainingError(
            f"device '{name}' can't be used on this machine. Choose cpu, cuda or mps, or leave it out."
        ) from error
    return device


def pick_precision(device: torch.device, name: str | None = None) -> Precision:
    """The number format of matrix products: `name`, or bfloat16 where the hardware multiplies it natively.

    Raises:
        TrainingError: the name is neither "float32" nor "bfloat16".
    """
    match name:
        case "float32" | "bfloat16":
            return name
        case str():
            raise TrainingError(f"precision '{name}' is unknown; choose float32 or bfloat16.")
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if device.type == "cpu" and not _BFLOAT16_FLAGS.isdisjoint(cpu_flags()) else "float32"


@cache
def keep_freed_memory() -> bool:
    """Tell the C allocator to keep large freed blocks; true where that was possible.

    glibc hands every block over 32 MiB back to the system when it is freed and fetches it again, page by page, in the
    next step: a bfloat16 step of the library's network took 31.5 ms with those page faults and 19.9 without. It is set
    from inside the process because the environment variables that do the same are read before Python starts. Elsewhere
    than on glibc nothing is done.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, _KEEP_UP_TO)) and bool(mallopt(_M_TRIM_THRESHOLD, _KEEP_UP_TO))


@contextlib.contextmanager
def flushed_denormals() -> Iterator[None]:
    """Numbers too small for their format count as zero in here; who called computes on as before."""
    before = flushes_denormals()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def flushes_denormals() -> bool:
    """Whether numbers too small for their format count as zero in this thread: torch can set that, not say it."""
    return not (torch.full((), 1e-39, dtype=torch.float32, device="cpu") * 1).item()


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """In here torch has so many threads; who called goes on with as many as before.

    Python threads that start meanwhile, and use torch for the first time, begin with as many, too: torch has it so.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def processor() -> str:
    """The processor's name, as the system gives it."""
    for key in ("model name", "Model"):
        if key in _cpu_information():
            return _cpu_information()[key]
    return platform.processor() or platform.machine()


def environment() -> dict[str, str]:
    """With what, and on what, something is trained: Muslin, Python, torch, system and processor."""
    return {
        "muslin": version("muslin"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": processor(),
    }


@cache
def matrix_peak(precision: Precision, threads: int) -> float:
    """Floating-point operations a second in this machine's matrix products: its ceiling for any training.

    The best of some products of two square matrices, through torch, with the threads that torch has now. Measured once
    and kept in the user's cache, unless the machine was busy with something else meanwhile.

    Args:
        precision: of the factors.
        threads: part of the key, with the processor and torch's version.
    """
    key = f"{processor()}, {precision}, {threads} threads, torch {torch.__version__}"
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    file = cache_folder("peaks") / f"{name}.json"
    try:
        return float(json.loads(file.read_text(encoding="utf-8"))["operations_per_second"])
    except (OSError, ValueError, KeyError, TypeError):
        wall, spent = time.perf_counter(), time.process_time()
        peak = measure_matrix_peak(precision)
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
    if spent > _UNDISTURBED * threads * wall:
        with contextlib.suppress(OSError):  # measured anew next time
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, json.dumps({"what": key, "operations_per_second": peak}) + "\n")
    return peak


def measure_matrix_peak(precision: Precision) -> float:
    """The same, measured now; takes a second or two."""
    values = torch.rand(_PEAK_SIZE, _PEAK_SIZE, dtype=getattr(torch, precision))
    best, spent = float("inf"), 0.0
    while spent < _PEAK_SECONDS:
        started = time.perf_counter()
        torch.mm(values, values)
        took = time.perf_counter() - started
        best, spent = min(best, took), spent + took
    return float(2 * _PEAK_SIZE**3 / best)


@cache
def cpu_flags() -> frozenset[str]:
    """The processor's abilities, in Linux' words; empty where the system doesn't list them."""
    flags = _cpu_information().get("flags") or _cpu_information().get("Features") or ""
    return frozenset(flags.split())


@cache
def _cpu_information() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}
