import json
from pathlib import Path

import numpy as np
import pytest

from helpers.tiny import WriteData
from muslin.cli import main


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["data", *arguments])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_the_sample_is_described(capsys: pytest.CaptureFixture[str]):
    assert run("--sample") == 0
    answer = capsys.readouterr().out
    for part in (
        "the sample that ships with Muslin",
        "28×28×1",
        "mean 0.2879",
        "Ankle boot",
        "1,800",
        "Validation",
        "none",
    ):
        assert part in answer


def test_json_holds_what_the_table_shows(capsys: pytest.CaptureFixture[str]):
    assert run("--sample", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["images"] == {"train": 1800, "validation": 200, "test": 500}
    assert answer["input_shape"] == [28, 28, 1]
    assert answer["class_names"][9] == "Ankle boot"
    assert answer["audit"]["train_release"] == "sample"
    assert answer["audit"]["counts"]["test"] == [50] * 10
    assert len(answer["fingerprint"]) == 64


def test_the_places_that_were_looked_at_are_listed(
    write_data: WriteData, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MUSLIN_DATA", str(write_data("parquet", channels=3)))
    assert run() == 0
    answer = capsys.readouterr().out
    assert "not given" in answer
    assert "MUSLIN_DATA (" in answer
    assert "not a known release" in answer
    assert "8×8×3" in answer


def test_names_for_the_classes_are_shown(write_data: WriteData, capsys: pytest.CaptureFixture[str]):
    assert run("--data", str(write_data("npz")), "--classes", "ant,[bee],cat") == 0
    assert "[bee]" in capsys.readouterr().out


def test_a_leak_ends_with_one_paragraph_and_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (40, 4, 4), dtype=np.uint8), np.arange(40) % 2
    np.savez(tmp_path / "leak.npz", x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
    assert run("--data", str(tmp_path / "leak.npz")) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("muslin: 10 of the 10 test images (100.0%)")
    assert captured.err.count("\n") == 1
    assert run("--data", str(tmp_path / "leak.npz"), "--allow-leak") == 0
    assert "10 of the 10 test images" in capsys.readouterr().out


def test_a_missing_path_ends_with_status_1(capsys: pytest.CaptureFixture[str]):
    assert run("--data", "nowhere") == 1
    assert (
        capsys.readouterr().err
        == "muslin: nowhere does not exist. Check --data or the environment variable MUSLIN_DATA.\n"
    )


@pytest.mark.parametrize("arguments", [("--sample", "--data", "x"), ("-q", "-v"), ("--color",)])
def test_wrong_usage_ends_with_status_2(arguments: tuple[str, ...]):
    assert run(*arguments) == 2


def test_the_help_names_every_place_in_order(capsys: pytest.CaptureFixture[str]):
    assert run("--help") == 0
    text = capsys.readouterr().out
    places = [
        "1. --data",
        "2. the environment variable MUSLIN_DATA",
        "3. your cache",
        "4. the system's",
        "5. the pub",
        "6. on Deb",
    ]
    positions = [text.index(place) for place in places]
    assert positions == sorted(positions)
