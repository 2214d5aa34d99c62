"""The linter refuses code that would run what a file holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("import pickle\n\nx = pickle.load(open('f', 'rb'))\n", "S301"),
        ("from pickle import loads\n\nx = loads(b'')\n", "TID251"),
        ("import torch\n\nx = torch.load('f')\n", "TID251"),
        ("import torch\n\ntorch.save({}, 'f')\n", "TID251"),
        ("import yaml\n\nx = yaml.load('f')\n", "S506"),
        ("import yaml\n\nx = yaml.safe_load('f')\n", "TID251"),
        ("x = eval('1')\n", "S307"),
        ("exec('1')\n", "S102"),
        ("import joblib\n\nx = joblib.load('f')\n", "TID251"),
        ("import shutil\n\nshutil.unpack_archive('f')\n", "TID251"),
        ("import tarfile\n\ntarfile.open('f').extractall()\n", "S202"),
        ("import subprocess\n\nsubprocess.run('f', shell=True)\n", "S602"),
    ],
)
def test_a_dangerous_call_is_refused(code: str, rule: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--stdin-filename", "src/muslin/new.py", "-"],
        input=code,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{rule} " in done.stdout


def test_no_array_is_read_with_pickles_allowed() -> None:
    readers = [path for path in (ROOT / "src").rglob("*.py") if "allow_pickle=True" in path.read_text()]
    assert not readers
