"""Which fused blocks this machine can have: tests are generated for those alone."""

from __future__ import annotations

import platform
import shutil
from typing import get_args

from muslin.engine import Precision, build


def missing(precision: Precision) -> str:
    """Why this machine cannot have fused blocks of this precision, or nothing; nothing is compiled to find out."""
    lacking = build._KINDS[precision].needed - build.cpu_flags()
    if platform.machine() != "x86_64" or lacking:
        return "this processor has no " + (", ".join(sorted(lacking)) or "x86-64 instructions")
    return "" if shutil.which("c++") or shutil.which("g++") else "there is no C++ compiler"


PRECISIONS: tuple[Precision, ...] = tuple(precision for precision in get_args(Precision) if not missing(precision))
