"""The machine that trains: device, precision, thread count and memory allocator."""

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

# glibc's mallopt parameters (malloc.h), and a threshold above any block that training allocates.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP_UP_TO = 1 << 30  # bytes
_PEAK_SIZE, _PEAK_SECONDS = 2048, 0.6  # rows and columns of the matrices; measuring time
_UNDISTURBED = 0.9  # minimum ratio of CPU time to wall time × threads on an idle machine
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # x86: AVX-512 BF16, AMX; ARM: BF16


def pick_device(name: str | None = None) -> torch.device:
    """Return the device called `name`; without a name the first available of CUDA, MPS and CPU.

    Raises:
        TrainingError: PyTorch does not know the device, or this machine does not have it.
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
            f"device '{name}' is not available on this machine. Choose cpu, cuda or mps, or omit the device."
        ) from error
    return device


def pick_precision(device: torch.device, name: str | None = None) -> Precision:
    """Return the precision of matrix products: `name`, or bfloat16 where the hardware multiplies it natively.

    Raises:
        TrainingError: the name is neither "float32" nor "bfloat16".
    """
    match name:
        case "float32" | "bfloat16":
            return name
        case str():
            raise TrainingError(f"precision '{name}' is unknown. Choose float32 or bfloat16.")
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if device.type == "cpu" and not _BFLOAT16_FLAGS.isdisjoint(cpu_flags()) else "float32"


@cache
def keep_freed_memory() -> bool:
    """Make the C allocator keep large freed blocks; return whether that succeeded.

    By default glibc returns every freed block above 32 MiB to the system, and the next step fetches it again page by
    page: a bfloat16 step of custom_cnn took 31.5 ms with those page faults and 19.9 ms without. The threshold is set
    from inside the process because glibc reads the equivalent environment variables before Python starts. Systems
    without glibc are left unchanged.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, _KEEP_UP_TO)) and bool(mallopt(_M_TRIM_THRESHOLD, _KEEP_UP_TO))


@contextlib.contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat denormal numbers as zero within this context, and restore the previous mode afterwards."""
    before = flushes_denormals()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def flushes_denormals() -> bool:
    """Return whether this thread treats denormal numbers as zero; torch can set this mode, but not report it."""
    return not (torch.full((), 1e-39, dtype=torch.float32, device="cpu") * 1).item()


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Set torch's thread count within this context and restore it afterwards.

    Python threads that first use torch within the context also start with `count` threads, as torch does it.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def processor() -> str:
    """Return the processor's name, as the system reports it."""
    for key in ("model name", "Model"):
        if key in _cpu_information():
            return _cpu_information()[key]
    return platform.processor() or platform.machine()


def environment() -> dict[str, str]:
    """Return versions of Muslin, Python and torch, and the names of system and processor."""
    return {
        "muslin": version("muslin"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": processor(),
    }


@cache
def matrix_peak(precision: Precision, threads: int) -> float:
    """Return this machine's matrix-product peak in floating-point operations per second, the upper bound for training.

    The best of several products of two square matrices in torch, with torch's current thread count. Measured once and
    kept in the user's cache, unless other processes were using the machine.

    Args:
        precision: precision of the factors.
        threads: thread count; part of the cache key, with the processor and torch's version.
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
        with contextlib.suppress(OSError):  # then measured again next time
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, json.dumps({"what": key, "operations_per_second": peak}) + "\n")
    return peak


def measure_matrix_peak(precision: Precision) -> float:
    """Measure the matrix-product peak now, in floating-point operations per second; takes 1–2 s."""
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
    """Return the CPU's feature flags as Linux names them; empty where the system does not list them."""
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
