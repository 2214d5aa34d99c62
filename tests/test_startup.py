"""Help and analysis answer before a framework could even be imported: none of them is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

# Each takes longer to import than `muslin analyze` may take altogether.
SLOW = {"torch", "matplotlib", "polars", "sklearn", "scipy", "keras", "onnx", "onnxruntime", "numpy", "jinja2", "httpx"}

PROGRAM = """
import json, sys
from muslin.cli import main
try:
    main({arguments!r})
except SystemExit as exit_:
    status = exit_.code
modules = sorted({{name.split(".")[0] for name in sys.modules}})
print(json.dumps({{"status": status, "modules": modules}}), file=sys.stderr)
"""


def modules(*arguments: str) -> set[str]:
    """The packages that the command line has imported when it is done."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(arguments=list(arguments))], capture_output=True, text=True, check=True
    )
    # Shown by pytest -s. Not asserted: what else the machine does is not for this test to say.
    print(f"muslin {' '.join(arguments)}: {time.perf_counter() - started:.2f} s")
    answer = json.loads(done.stderr.splitlines()[-1])
    assert answer["status"] == 0, done.stderr
    return set(answer["modules"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["analyze", "--help"],
        ["run", "--help"],
        ["train", "--help"],
        ["analyze"],
        ["analyze", "--json"],
        ["analyze", "dense_baseline", "--baseline", "custom_cnn"],
    ],
    ids=" ".join,
)
def test_help_and_analyze_import_no_framework(arguments: list[str]) -> None:
    assert not modules(*arguments) & SLOW


def test_help_does_without_pydantic_and_rich_too() -> None:
    assert not modules("--help") & {"pydantic", "rich", "tomllib"}


def test_json_does_without_rich() -> None:
    assert "rich" not in modules("analyze", "--json")


def test_a_diagram_needs_no_matplotlib(tmp_path: Path) -> None:
    assert not modules("analyze", "--diagram", str(tmp_path / "architecture.svg")) & SLOW
