"""The messages about run folders, whole, in tests/golden/runs.txt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers import golden
from helpers.messages import text_of
from muslin.runs.files import missing, read, require_free
from muslin.runs.folder import RunFolder
from muslin.runs.record import RunRecord


def test_the_messages_about_run_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    empty, file = tmp_path / "empty", tmp_path / "run.json"
    empty.mkdir()
    file.write_bytes(b"{}")
    (tmp_path / "evaluation.json").write_text("[1]")

    def raise_missing() -> None:
        raise missing(tmp_path / "design.toml")

    calls: dict[str, Callable[[], object]] = {
        "no run yet": lambda: RunFolder.open("latest"),
        "no such folder": lambda: RunFolder.open("runs/nowhere"),
        "a folder that is not a run": lambda: RunFolder.open(empty),
        "a missing file": raise_missing,
        "a file of another version": lambda: read(file, RunRecord.model_validate_json),
        "a damaged file": lambda: read(file, lambda _content: json.loads("{"), "Delete it and train again."),
        "a folder in place of a file": lambda: read(empty, json.loads),
        "not an evaluation": lambda: RunFolder(tmp_path).measured,
        "a file of a run would be overwritten": lambda: require_free(
            tmp_path / "model.safetensors", tmp_path / "model.onnx"
        ),
    }
    texts = {heading: text_of(call, tmp_path) for heading, call in calls.items()}
    monkeypatch.setattr("muslin.runs.files._LARGEST_TEXT", 2)
    texts["a file that is too large"] = text_of(lambda: read(tmp_path / "evaluation.json", json.loads), tmp_path)
    golden.compare("runs", {heading: text.replace(tmp_path.name, "NAME") for heading, text in texts.items()})
