"""`muslin analyze`: the table, the JSON, the diagram."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from muslin.analysis import analyze
from muslin.cli import main
from muslin.design import load_baseline, load_design


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """Standard output and standard error of a `muslin analyze` that succeeds."""
    with pytest.raises(SystemExit) as exit_:
        main(["analyze", *arguments])
    out, err = capsys.readouterr()
    assert exit_.value.code == 0, err
    return out, err


def row(text: str, name: str) -> list[str]:
    """The cells of the first line that begins with `name`."""
    return next(line.split() for line in text.splitlines() if line.startswith(f"{name} "))


@pytest.mark.usefixtures("_piped")
def test_the_table_says_all_there_is_to_say_of_a_layer(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys)
    assert err == ""
    assert row(out, "conv3") == [
        *["conv3", "conv2d", "7×7×128", "73,856", "78.6%", "3,612,672"],
        *["25.1", "18×18", "4×4", "18×18", "41.3%"],
    ]
    assert row(out, "total") == ["total", "93,962", "100.0%", "7,452,416", "214.3"]
    assert "93,962, of which 93,962 trainable" in out
    assert "375.8 kB in float32, 94.0 kB in int8" in out
    assert "125.4 kB at most at one time: pool1, in and out" in out
    assert "7.7% fewer parameters than dense_baseline's 101,770" in out


@pytest.fixture
def _piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_nothing_is_lost_where_the_terminal_is_narrow(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out, _ = run(capsys)
    assert max(len(line) for line in out.splitlines()) <= columns
    words = out.split()
    for layer in analyze(load_design("custom_cnn")).layers:
        assert layer.name in words
        assert layer.kind in words
        assert f"{layer.parameters:,}" in words
        assert f"{layer.macs:,}" in words
    assert "…" not in out


def test_a_pipe_gets_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys)
    assert "\x1b" not in out


def test_json_is_the_whole_analysis(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "--json")
    design = load_design("custom_cnn")
    expected = analyze(design, baseline=load_baseline(design)).to_dict()
    assert err == ""
    assert json.loads(out) == json.loads(json.dumps(expected))
    content = json.loads(out)
    assert content["parameters"] == 93_962
    assert next(layer for layer in content["layers"] if layer["name"] == "conv3")["receptive_field"]["size"] == [18, 18]
    assert content["comparison"]["parameters"] == 101_770
    assert round(content["comparison"]["saved"], 1) == 7.7


def test_another_baseline_or_none_can_be_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    small = tmp_path / "small.toml"
    small.write_text(
        'name = "small"\ninput_shape = [28, 28, 1]\n'
        '[[layers]]\nkind = "global_avg_pool2d"\nname = "pool"\n'
        '[[layers]]\nkind = "dense"\nname = "output"\nunits = 10\n'
    )
    out, _ = run(capsys, "--baseline", str(small))
    assert "469710.0% more parameters than small's 20" in out
    out, _ = run(capsys, "--baseline", "none")
    assert "Baseline" not in out
    out, _ = run(capsys, "dense_baseline", "--json")
    assert json.loads(out)["comparison"] is None


def test_a_design_for_other_images_is_compared_with_a_baseline_for_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    colour = tmp_path / "colour.toml"
    colour.write_text(
        'name = "colour"\ninput_shape = [32, 20, 3]\n'
        '[[layers]]\nkind = "flatten"\nname = "flatten"\n[[layers]]\nkind = "dense"\nname = "output"\nunits = 4\n'
    )
    out, _ = run(capsys, str(colour), "--json")
    assert json.loads(out)["comparison"]["parameters"] == (32 * 20 * 3 + 1) * 128 + (128 + 1) * 4


def test_words_of_a_design_are_not_taken_for_markup(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "marked.toml"
    path.write_text(
        'name = "marked"\ntitle = "[bold red]loud[/bold red] [/]"\ninput_shape = [4, 4, 1]\n'
        '[[layers]]\nkind = "flatten"\nname = "flatten"\n[[layers]]\nkind = "dense"\nname = "output"\nunits = 4\n'
    )
    out, _ = run(capsys, str(path))
    assert "[bold red]loud[/bold red] [/]" in out


def test_the_diagram_is_an_svg_that_names_every_layer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "architecture.svg"
    out, err = run(capsys, "--diagram", str(path), "--json")
    assert json.loads(out)["design"] == "custom_cnn"
    assert err == f"Wrote {path}\n"
    words = " ".join(ET.fromstring(path.read_text(encoding="utf-8")).itertext())  # noqa: S314  (our own file)
    for name in load_design("custom_cnn").names:
        assert name in words


def test_a_diagram_in_another_format_is_wrong_usage(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["analyze", "--diagram", str(tmp_path / "architecture.png")])
    assert exit_.value.code == 2
    assert "end the name in .svg" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_diagram_that_cannot_be_written_is_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as exit_:
        main(["analyze", "--diagram", str(tmp_path / "file" / "architecture.svg")])
    assert exit_.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "architecture.svg cannot be written" in err
