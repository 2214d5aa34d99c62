"""The commands in docs/reference/serve.md, run as they stand there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import fences
from muslin.runs.folder import RunFolder
from server.conftest import Running

pytestmark = pytest.mark.timeout(400)  # a busy machine needs minutes for the fixtures' training
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "serve.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_of_the_api_can_be_copied(served: Running, cnn: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    shutil.copytree(PAGE.parents[1] / "images", tmp_path / "docs" / "images")
    consoles = [fence for fence in fences(PAGE) if "/api/predict" in fence.text and fence.language == "console"]
    answers = []
    for command, _ in (each for fence in consoles for each in fence.commands()):
        run = command.replace("http://127.0.0.1:8000", served.url).replace("python - ", f"{sys.executable} - ")
        done = subprocess.run(run, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S602
        answers += [json.loads(done.stdout)] if command.startswith("curl") else []
    assert len(answers) == 2
    assert answers[0] == answers[1]
    for answer in answers:
        assert answer.keys() == {"run", "predictions"}
        (prediction,) = answer["predictions"]
        assert prediction.keys() == {"number", "name", "probability", "probabilities"}
        assert prediction["name"] == cnn.record.data.class_names[prediction["number"]]
        assert prediction["probability"] == max(prediction["probabilities"])
        assert len(prediction["probabilities"]) == 10
