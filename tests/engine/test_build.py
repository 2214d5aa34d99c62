"""How the fused blocks come to be there: compiled once, kept where nobody else can put them, or plainly missing."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from helpers import fused
from muslin.engine import Precision, build


@pytest.fixture(params=fused.PRECISIONS)
def possible(request: pytest.FixtureRequest) -> Precision:
    """A precision whose blocks this machine can have."""
    chosen: Precision = request.param
    return chosen


@pytest.mark.parametrize("precision", get_args(Precision))
def test_what_this_machine_can_have_it_has(precision: Precision) -> None:
    """All other tests of blocks are generated for `fused.PRECISIONS` alone: what is missing is said once, here."""
    if reason := fused.missing(precision):
        assert build.library(precision) is None
        pytest.skip(f"no test of fused blocks in {precision}: {reason}")
    assert build.library(precision) is not None, build.describe(precision)


@pytest.mark.long
def test_a_cache_that_others_may_write_to_is_not_trusted(tmp_path: Path, possible: Precision) -> None:
    folder = tmp_path / "operators"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(build.Unavailable, match="writable by others"):
        build._compiled(possible, folder)
    folder.chmod(0o700)
    compiled = build._compiled(possible, folder)
    assert stat.S_IMODE(compiled.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == [compiled.name]
    elsewhere = tmp_path / "elsewhere.so"
    compiled.rename(elsewhere)
    compiled.symlink_to(elsewhere)
    with pytest.raises(build.Unavailable, match="is a symbolic link"):
        build._compiled(possible, folder)


def test_without_a_compiler_there_are_none_and_it_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, possible: Precision
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(build.Unavailable, match=r"no C\+\+ compiler found"):
        build._compiled(possible, tmp_path / "operators")
    broken = tmp_path / "c++"
    broken.write_text("#!/bin/sh\necho 'error: nothing works' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(build.Unavailable, match="could not compile the blocks: error: nothing works"):
        build._compiled(possible, tmp_path / "operators")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_processor_without_the_instructions_is_told_which(
    precision: Precision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "cpu_flags", lambda: build._KINDS[precision].needed - {"fma", "avx512_bf16"})
    missing = {"float32": "fma", "bfloat16": "avx512_bf16"}[precision]
    with pytest.raises(build.Unavailable, match=f"this processor lacks {missing}"):
        build._compiled(precision, tmp_path / "operators")


def test_windows_has_none_and_it_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build, "_WINDOWS", True)
    monkeypatch.delattr("os.geteuid")
    with pytest.raises(build.Unavailable, match="on Linux and macOS only"):
        build._compiled("float32", tmp_path / "operators")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_they_can_be_switched_off(precision: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(build.SWITCH, "0")
    assert build.library(precision) is None
    assert build.describe(precision) == "Training falls back to plain PyTorch: MUSLIN_FUSED=0."


@pytest.mark.long
def test_nothing_is_compiled_before_it_is_asked_for() -> None:
    code = "import muslin.training.loop, muslin.engine.build as b; assert b._library.cache_info().misses == 0"
    subprocess.run([sys.executable, "-c", code], check=True)
