"""The notebook runs from top to bottom, and is committed with outputs that show without trust."""

from __future__ import annotations

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "fashion_mnist.ipynb"
LARGEST = 1_500_000  # bytes: code hosting sites show no larger notebook
MACHINE_PATHS = re.compile(r"(/tmp|/home|/root|/work|/Users|/var|/private)/|[A-Z]:\\\\")


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs_of(notebook: Any) -> list[Any]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


@pytest.fixture(scope="module")
def committed() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.mark.timeout(400)
@pytest.mark.trains
def test_the_notebook_runs_on_the_sample_and_shows_the_progress_of_training(tmp_path: Path) -> None:
    out = tmp_path / "sample.ipynb"
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "execute_notebook.py"), "--sample", "--out", str(out)],
        capture_output=True,
        text=True,
        env={**os.environ, "JUPYTER_PLATFORM_DIRS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    [cell] = [cell for cell in nbformat.read(out, as_version=4).cells if cell.source.startswith("run = muslin.train(")]
    [shown] = [output.data for output in cell.outputs if output.output_type == "display_data"]
    assert shown["text/html"].count('<th scope="row"') == 4, "a row for each epoch"
    assert "<progress" not in shown["text/html"], "no bar stays behind"
    assert len(re.findall(r"epoch \d/4 .*accuracy \d+\.\d+%", shown["text/plain"])) == 4


def test_the_notebook_is_valid_executed_and_without_errors(committed: Any) -> None:
    nbformat.validate(committed)
    counts = [cell.execution_count for cell in code_cells(committed)]
    assert counts == list(range(1, len(counts) + 1)), "executed once, from top to bottom"
    outputs = outputs_of(committed)
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    text = "".join(output.get("text", "") for output in outputs)
    assert "93,962 parameters, 7.7% fewer than the baseline's 101,770" in text
    assert "one unit of conv3 sees 18×18 pixels" in text


def test_every_figure_of_the_notebook_is_a_png_with_an_explanation_before_it(committed: Any) -> None:
    drawing = [index for index, cell in enumerate(committed.cells) if _last_line(cell).startswith("figures.")]
    assert len(drawing) >= 12
    for index in drawing:
        [output] = committed.cells[index].outputs
        image = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
        assert image.width == 2 * output.metadata["image/png"]["width"]
        before = committed.cells[index - 1]
        assert before.cell_type == "markdown", committed.cells[index].source
        assert len(before.source.split()) > 8, committed.cells[index].source


def test_the_notebook_needs_no_trust_and_no_machine_of_ours(committed: Any) -> None:
    for output in outputs_of(committed):
        data = output.get("data", {})
        assert "application/javascript" not in data
        assert "<script" not in "".join(map(str, data.values()))
        assert {"text/plain", "image/png"} & set(data) or output.output_type == "stream"
        words = output.get("text", "") + "".join(data.get(kind, "") for kind in ("text/plain", "text/html"))
        assert not MACHINE_PATHS.search(words), words
    assert NOTEBOOK.stat().st_size < LARGEST


def test_every_section_of_the_notebook_ends_with_exercises(committed: Any) -> None:
    written = [cell.source for cell in committed.cells if cell.cell_type == "markdown"]
    headings = [index for index, source in enumerate(written) if source.startswith("## ")]
    assert len(headings) == 9
    for last in (*(index - 1 for index in headings[1:]), len(written) - 1):
        assert written[last].startswith("**Exercises**")


def test_the_notebook_opens_the_test_split_once(committed: Any) -> None:
    sources = [cell.source for cell in code_cells(committed)]
    opened = [source for source in sources if "muslin.evaluate(" in source or "open_test(" in source]
    assert len(opened) == 2, "once for each of the two networks"
    first = sources.index(opened[0])
    assert not [source for source in sources[:first] if "data.test" in source]


def _last_line(cell: Any) -> str:
    return cell.source.splitlines()[-1] if cell.cell_type == "code" else ""
