"""Files made to do harm are refused, fast, in little memory, and nothing happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.hostile.cases import CANARY, CASES
from helpers.hostile.readers import READERS
from helpers.once import made_once

MOST_SECONDS = 1.0
MOST_BYTES = 64 * 2**20

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux tells it"),
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What came of each file, read in a process of its own."""
    root = made_once(tmp_path_factory, "hostile-files", read_all)
    return dict(zip(CASES, map(json.loads, (root / "answers").read_text().splitlines()), strict=True))


def read_all(root: Path) -> None:
    for number, case in enumerate(CASES.values()):
        path = root / str(number) / READERS[case.reader].file
        path.parent.mkdir(parents=True)
        path.write_bytes(case.make())
    (root / "list.json").write_text(json.dumps({number: case.reader for number, case in enumerate(CASES.values())}))
    before = set(root.iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "helpers.hostile.watched", root],
        env=os.environ | {CANARY: str(root / "canary"), "PYTHONPATH": os.pathsep.join(sys.path), "RUST_BACKTRACE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    assert set(root.iterdir()) == before, "a canary was written"
    (root / "answers").write_text(done.stdout)


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_and_does_nothing(name: str, answers: dict[str, dict[str, Any]]) -> None:
    found = answers[name]
    assert found["outcome"] == ("read" if CASES[name].harmless else "refused"), found
    assert not found["noted"]
    assert found["seconds"] <= MOST_SECONDS
    assert found["bytes"] <= MOST_BYTES
    assert len(found["message"]) < 2000
