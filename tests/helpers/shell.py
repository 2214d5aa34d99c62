"""The command line as a person uses it: in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def muslin(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `muslin` with arguments in a folder."""
    command = [sys.executable, "-m", "muslin", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=100, check=False)
