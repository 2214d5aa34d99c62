"""Compiles the fused blocks, once per machine and version, and loads them."""

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
"""Environment variable: 0 trains the plain way."""

_P, _I = ctypes.c_void_p, ctypes.c_int64
_BLOCK = {"muslin_block_forward": [_P] * 5 + [_I] * 7, "muslin_block_backward": [_P] * 7 + [_I] * 7}
_BATCH = {"muslin_batch": [_P] * 5 + [_I] * 5}
_MUON = {"muslin_muon_step": [_P] * 3 + [ctypes.c_double] * 2 + [_I] * 4}
_STEM = {"muslin_stem_forward": [_P] * 5 + [_I] * 6, "muslin_stem_backward": [_P] * 5 + [_I] * 6}


@dataclass(frozen=True)
class _Kind:
    """One of the libraries.

    Attributes:
        needed: the processor's abilities that the code uses.
        march: options that let the compiler use them, named one by one: with -march=native a file compiled on one
            machine might not run on another that shares the home folder.
        signatures: of its functions.
    """

    needed: frozenset[str]
    march: tuple[str, ...]
    signatures: dict[str, list[Any]]


_TEAM = "team"  # the library of threads, which the others call
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
_SOURCES = Path(__file__).with_name("source")  # a folder for each, and one that they share
_COMPILE = ("-std=c++17", "-O3", "-fPIC", "-pthread", "-shared", "-w")
_PATIENCE = 120  # seconds


class Unavailable(Exception):  # noqa: N818  (a state of the machine, not an error)
    """There are no fused blocks of this precision on this machine; the message says why."""


def library(precision: Precision) -> ctypes.CDLL | None:
    """The compiled blocks, or None where there can be none or `MUSLIN_FUSED=0`: then training goes the plain way."""
    found = None if os.environ.get(SWITCH) == "0" else _library(precision)
    return found if isinstance(found, ctypes.CDLL) else None


def describe(precision: Precision) -> str:
    """Whether fused blocks are in use, or else why not, in a sentence."""
    if os.environ.get(SWITCH) == "0":
        return f"Training goes the plain way: {SWITCH}=0."
    found = _library(precision)
    return (
        f"Fused blocks in {precision} are in use where a design's shapes allow."
        if not isinstance(found, str)
        else f"Training goes the plain way, without fused blocks in {precision}: {found}."
    )


@cache
def _library(precision: Precision) -> ctypes.CDLL | str:
    folder = cache_folder("operators")
    try:
        blocks = _compiled(precision, folder)  # first: it is they whose absence has to be explained
        _load(_compiled(_TEAM, folder), {}, ctypes.RTLD_GLOBAL)
        return _load(blocks, _KINDS[precision].signatures)
    except Unavailable as reason:
        return str(reason)
    except (OSError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"


def _compiled(kind: str, folder: Path) -> Path:
    """The shared library in the cache, compiled if it isn't there."""
    missing = _KINDS[kind].needed - cpu_flags()
    if platform.machine() != "x86_64" or missing:
        raise Unavailable("this processor has no " + (", ".join(sorted(missing)) or "x86-64 instructions"))
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        raise Unavailable("no C++ compiler was found (on Debian and Ubuntu: sudo apt install g++)")
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
            raise Unavailable(f"{compiler[0]} could not compile them: {first.strip()}")
        compiled.chmod(stat.S_IRWXU)
        compiled.replace(target)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603  (the compiler of the person's own path, on our own files)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} took longer than {_PATIENCE} s") from error


def _version(compiler: str) -> str:
    """Part of the key: another compiler may round sums another way."""
    return _run([compiler, "--version"]).stdout


def _own(folder: Path) -> None:
    """Make the folder, for this user alone: what lies in it is loaded as code."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    _check_ours(folder)


def _check_ours(path: Path) -> None:
    """See that nobody else can have put the file or folder there.

    Raises:
        Unavailable: it is a link, belongs to somebody else, or others may write to it.
    """
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise Unavailable(f"{path} is a link, not yours, or open to others; remove it")


def _load(path: Path, signatures: dict[str, list[Any]], mode: int = ctypes.DEFAULT_MODE) -> ctypes.CDLL:
    found = ctypes.CDLL(str(path), mode)
    for name, arguments in signatures.items():
        function = getattr(found, name)
        function.argtypes, function.restype = arguments, ctypes.c_int
    return found
