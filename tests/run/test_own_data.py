"""A run finds the images that it was trained on again, wherever the person stands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers.tiny import WriteData
from muslin.cli import main
from muslin.runs.folder import RunFolder

DESIGN = """
name = "own"
input_shape = [8, 8, 1]
layers = [
  {kind = "conv2d", name = "conv", filters = 4, activation = "relu"},
  {kind = "global_avg_pool2d", name = "pool"},
  {kind = "dense", name = "output", units = 2, activation = "softmax"},
]

[[decisions]]
name = "width"
chosen = "4"
alternatives = [{name = "2", edits = [{layers = "conv", set = {filters = 2}}]}]
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path, status: int = 0) -> tuple[str, str]:
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, arguments)])
    out, err = capsys.readouterr()
    assert exit_.value.code == status, err
    return out, " ".join(err.split())


def test_own_images_are_found_again_from_anywhere(
    write_data: WriteData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = write_data("folder", classes=2).rename(tmp_path / "mine")
    Path(tmp_path / "own.toml").write_text(DESIGN)
    monkeypatch.chdir(tmp_path)
    run(capsys, "train", "own.toml", "--data", "mine", "--epochs", "1", "-q")
    study = ("ablate", "own.toml", "--data", "mine", "--epochs", "1", "--seeds", "1", "--workers", "1", "-q")
    run(capsys, *study)
    latest = RunFolder.open("latest").path
    (studies,) = (tmp_path / "studies").iterdir()

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run(capsys, "evaluate", latest)
    run(capsys, "visualize", latest, "--image", "0")
    run(capsys, "ablate", "--resume", studies, "--workers", "1")

    shutil.move(images.parent / "mine", tmp_path / "moved")
    _, err = run(capsys, "visualize", latest, "--image", "0", status=1)
    assert f"{tmp_path / 'mine'} does not exist" in err
    run(capsys, "visualize", latest, "--image", "0", "--data", tmp_path / "moved")
