"""The commands in docs/serve.md, run as they stand there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from muslin.data import Dataset
from muslin.runs.folder import RunFolder
from server.conftest import Running

pytestmark = pytest.mark.timeout(400)  # a busy machine needs minutes for the fixtures' training
PAGE = Path(__file__).parents[2] / "docs" / "serve.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_of_the_api_can_be_copied(
    served: Running, cnn: RunFolder, sample: Dataset, tmp_path: Path
) -> None:
    Image.fromarray(sample.test.images[9, ..., 0]).save(tmp_path / "coat.png")
    page = PAGE.read_text(encoding="utf-8")
    lines = [line.strip() for line in page.splitlines() if line.startswith(("    curl ", "    python -c "))]
    shown = json.loads(page[page.index('    {"run"') :].partition("\n\n")[0])
    answers = []
    for line in lines:
        command = line.replace("http://127.0.0.1:8000", served.url).replace("python -c", f"{sys.executable} -c")
        done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S602
        answers += [json.loads(done.stdout)] if line.startswith("curl") else []
    assert len(answers) == 2
    assert answers[0] == answers[1]
    for answer in (answers[0], shown):
        assert answer.keys() == {"run", "predictions"}
        (prediction,) = answer["predictions"]
        assert prediction.keys() == {"number", "name", "probability", "probabilities"}
        assert prediction["name"] == cnn.record.data.class_names[prediction["number"]]
        assert prediction["probability"] == max(prediction["probabilities"])
        assert len(prediction["probabilities"]) == 10
