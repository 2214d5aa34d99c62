"""What `muslin train` names as the next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from muslin.cli._training import next_step
from muslin.runs.folder import RunFolder


def test_the_next_step_is_a_command_that_finds_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("runs/older", "runs/newer", "else where/run"):
        Path(name).mkdir(parents=True)
    Path("runs/latest").symlink_to("newer")
    assert next_step(RunFolder(tmp_path / "runs" / "newer")) == "Next: muslin evaluate latest"
    assert next_step(RunFolder(tmp_path / "runs" / "older")) == f"Next: muslin evaluate {tmp_path}/runs/older"
    assert next_step(RunFolder(Path("else where/run"))) == "Next: muslin evaluate 'else where/run'"
