"""Compile the fused blocks, once per machine and version, and load them."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from muslin._disk.cache import cache_folder
from muslin.engine import Precision
from muslin.engine.machine import cpu_flags

SWITCH = "MUSLIN_FUSED"
"""Environment variable; the value 0 disables fused blocks, so that training uses plain PyTorch."""

_P, _I = ctypes.c_void_p, ctypes.c_int64
_BLOCK = {"muslin_block_forward": [_P] * 5 + [_I] * 7, "muslin_block_backward": [_P] * 7 + [_I] * 7}
_BATCH = {"muslin_batch": [_P] * 5 + [_I] * 5}
_MUON = {"muslin_muon_step": [_P] * 3 + [ctypes.c_double] * 2 + [_I] * 4}
_STEM = {"muslin_stem_forward": [_P] * 5 + [_I] * 6, "muslin_stem_backward": [_P] * 5 + [_I] * 6}


@dataclass(frozen=True)
class _Kind:
    """One of the compiled libraries.

    Attributes:
        needed: CPU features that the code uses.
        march: compiler options that enable them, named explicitly: a file compiled with -march=native might not run on
            another machine that shares the home folder.
        signatures: argument types by function name.
    """

    needed: frozenset[str]
    march: tuple[str, ...]
    signatures: dict[str, list[Any]]


_TEAM = "team"  # the thread pool, which the other libraries call
_KINDS: dict[str, _Kind] = {
    _TEAM: _Kind(frozenset(), ("-march=x86-64",), {}),
    "bfloat16": _Kind(
        frozenset(("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_bf16")),
        ("-march=x86-64-v4", "-mavx512bf16"),
        _BLOCK | _STEM,
    ),
    "float32": _Kind(
        frozenset(("avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm")),
        ("-march=x86-64-v3",),
        _BLOCK | _BATCH | _MUON,
    ),
}
_SOURCES = Path(__file__).with_name("source")  # a folder per library, and "common" for all
_COMPILE = ("-std=c++17", "-O3", "-fPIC", "-pthread", "-shared", "-w")
_PATIENCE = 120  # compiler time limit, seconds
_WINDOWS = os.name == "nt"


class Unavailable(Exception):  # noqa: N818  (a state of the machine, not an error)
    """This machine cannot use fused blocks of this precision; the message gives the reason."""


def library(precision: Precision) -> ctypes.CDLL | None:
    """Return the compiled blocks; None if they are unavailable or `MUSLIN_FUSED=0`, so that training uses PyTorch."""
    found = None if os.environ.get(SWITCH) == "0" else _library(precision)
    return found if isinstance(found, ctypes.CDLL) else None


def describe(precision: Precision) -> str:
    """Return a sentence that says whether fused blocks are in use, and if not, why."""
    if os.environ.get(SWITCH) == "0":
        return f"Training falls back to plain PyTorch: {SWITCH}=0."
    found = _library(precision)
    return (
        f"Fused blocks in {precision} are used where a design's shapes allow."
        if not isinstance(found, str)
        else f"Training falls back to plain PyTorch, because {precision} fused blocks are unavailable: {found}."
    )


@cache
def _library(precision: Precision) -> ctypes.CDLL | str:
    folder = cache_folder("operators")
    try:
        blocks = _compiled(precision, folder)  # first, because their absence is what must be explained
        _load(_compiled(_TEAM, folder), {}, ctypes.RTLD_GLOBAL)
        return _load(blocks, _KINDS[precision].signatures)
    except Unavailable as reason:
        return str(reason)
    except (OSError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"


def _compiled(kind: str, folder: Path) -> Path:
    """Return the path of the cached shared library, compiling it if necessary."""
    if _WINDOWS:
        raise Unavailable("Muslin compiles them on Linux and macOS only")
    missing = _KINDS[kind].needed - cpu_flags()
    if platform.machine() != "x86_64" or missing:
        raise Unavailable("this processor lacks " + (", ".join(sorted(missing)) or "x86-64 instructions"))
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        raise Unavailable("no C++ compiler found (on Debian and Ubuntu: sudo apt install g++)")
    options = [*_KINDS[kind].march, *_COMPILE]
    sources = sorted([*(_SOURCES / "common").iterdir(), *(_SOURCES / kind).iterdir()])
    parts = [*(source.read_bytes() for source in sources), *options, _version(compiler)]
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    target = folder / f"{kind}-{digest.hexdigest()[:32]}.so"
    _own(folder)
    if not target.exists():
        _compile([compiler, *options], _SOURCES / kind / "operators.cpp", target)
    _check_ours(target)
    return target


def _compile(compiler: list[str], source: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        compiled = Path(name) / "fused.so"
        done = _run([*compiler, str(source), "-o", str(compiled)])
        if done.returncode:
            first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:200])
            raise Unavailable(f"{compiler[0]} could not compile the blocks: {first.strip()}")
        compiled.chmod(stat.S_IRWXU)
        compiled.replace(target)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603  (the compiler on the user's path, on our own files)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} took longer than {_PATIENCE} s") from error


def _version(compiler: str) -> str:
    """Return the compiler's version, part of the cache key: compilers may order sums differently and so round."""
    return _run([compiler, "--version"]).stdout


def _own(folder: Path) -> None:
    """Create the folder, accessible only to this user, because its files are loaded as code."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    _check_ours(folder)


def _check_ours(path: Path) -> None:
    """Check that no other user can have written the file or folder.

    Raises:
        Unavailable: it is a symbolic link, belongs to another user, or is writable by others.
    """
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise Unavailable(f"{path} is a symbolic link, owned by another user, or writable by others; delete it")


def _load(path: Path, signatures: dict[str, list[Any]], mode: int = ctypes.DEFAULT_MODE) -> ctypes.CDLL:
    found = ctypes.CDLL(str(path), mode)
    for name, arguments in signatures.items():
        function = getattr(found, name)
        function.argtypes, function.restype = arguments, ctypes.c_int
    return found
