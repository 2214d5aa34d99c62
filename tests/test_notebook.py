"""The notebook runs from top to bottom and says what it should."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "fashion_mnist.ipynb"


@pytest.mark.timeout(300)
def test_the_notebook_runs_on_the_sample() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "execute_notebook.py"), "--sample"],
        capture_output=True,
        text=True,
        env={**os.environ, "JUPYTER_PLATFORM_DIRS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_notebook_is_committed_executed_and_without_errors() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    text = "".join(output.get("text", "") for output in outputs)
    assert "93,962 parameters; 7.7 % fewer than the baseline's 101,770" in text
    assert "one unit of conv3 sees 18×18 pixels" in text
