"""`muslin new`: valid, commented, fitted, never over another file."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from helpers.tiny import WriteData
from muslin.cli import main
from muslin.design import Activation, Padding, load_design, parse_design
from muslin.design.explain import LAYER_KINDS
from muslin.design.template import OPEN, format_commented, start_design
from muslin.errors import DesignError


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """What `muslin new` prints, on standard output if it succeeds and on standard error if not."""
    with pytest.raises(SystemExit) as exit_:
        main(["new", *arguments])
    out, err = capsys.readouterr()
    assert exit_.value.code == status, err
    assert (err == "") == (status == 0)
    return err if status else out


def test_a_new_design_fits_fashion_mnist_and_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "mine.toml")
    design = load_design("mine.toml")
    assert (design.name, design.input_shape, design.classes) == ("mine", (28, 28, 1), 10)
    assert "Wrote mine.toml: 28×28×1 images, 10 classes, 8 layers." in out
    assert "muslin analyze mine.toml " in out
    assert "muslin run mine.toml " in out


def test_without_data_the_start_has_the_layers_of_custom_cnn(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "mine.toml")
    ours, theirs = load_design("mine.toml").layers, load_design("custom_cnn").layers
    assert [layer.model_copy(update={"because": ""}) for layer in ours] == [
        layer.model_copy(update={"because": ""}) for layer in theirs
    ]


@pytest.mark.parametrize("format", ["npz", "folder"])
@pytest.mark.parametrize(("height", "width", "channels", "classes"), [(8, 8, 3, 3), (96, 96, 3, 4), (12, 40, 1, 2)])
def test_a_new_design_fits_the_data(
    format: str,  # noqa: A002
    height: int,
    width: int,
    channels: int,
    classes: int,
    write_data: WriteData,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = write_data(format, height=height, width=width, channels=channels, classes=classes)
    out = run(capsys, "fitted", "--data", str(data))
    design = load_design("fitted.toml")
    assert (design.input_shape, design.classes) == ((height, width, channels), classes)
    assert f"muslin run fitted.toml --data {shlex.quote(str(data))}\n" in out
    assert f"#     muslin run fitted.toml --data {shlex.quote(str(data))}\n" in Path("fitted.toml").read_text()


def test_the_sample_will_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert "muslin run mine.toml --sample " in run(capsys, "mine.toml", "--sample")
    assert load_design("mine.toml").classes == 10


def test_data_that_are_not_there_are_explained_and_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere" in run(capsys, "mine.toml", "--data", "nowhere", status=1)
    assert not Path("mine.toml").exists()
    run(capsys, "mine.toml", "--data", "nowhere", "--sample", status=2)


def test_a_file_is_never_replaced_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.toml").write_text("precious")
    assert "mine.toml exists already. Choose another name, or pass --force" in run(capsys, "mine.toml", status=1)
    assert "mine.toml exists already" in run(capsys, "mine", status=1)
    assert Path("mine.toml").read_text() == "precious"
    run(capsys, "mine.toml", "--force")
    assert load_design("mine.toml").name == "mine"


def test_a_folder_is_never_written_to_as_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder").mkdir()
    assert "folder is a folder" in run(capsys, "folder", status=1)
    Path("other.toml").mkdir()
    assert "other.toml is a folder" in run(capsys, "other.toml", "--force", status=1)


@pytest.mark.parametrize(
    ("file", "why"), [(".", ". is a folder"), ("..", ".. is a folder"), (".toml", ".toml has no name before")]
)
def test_a_design_needs_a_name(file: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert why in run(capsys, file, status=1)
    assert not list(Path().iterdir())


def test_a_place_that_cannot_be_written_to_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("in the way")
    message = run(capsys, "file/mine.toml", status=1)
    assert "choose a folder that you may write to." in message
    assert "--out" not in message  # this verb has no such option


def test_another_design_can_be_the_start(capsys: pytest.CaptureFixture[str], write_data: WriteData) -> None:
    data = write_data("npz", height=16, width=20, channels=3, classes=5)
    out = run(capsys, "mine.toml", "--like", "custom_cnn", "--data", str(data))
    design, model = load_design("mine.toml"), load_design("custom_cnn")
    assert (design.name, design.input_shape, design.classes) == ("mine", (16, 20, 3), 5)
    assert design.layers[:-1] == model.layers[:-1]
    assert design.title == f"{model.title} (from custom_cnn)"
    assert design.claims == ()
    assert "reasons are those of custom_cnn" in out
    assert "no design 'nothing'" in run(capsys, "b.toml", "--like", "nothing", status=1)


def test_a_start_that_does_not_fit_the_data_is_explained(
    capsys: pytest.CaptureFixture[str], write_data: WriteData
) -> None:
    data = write_data("npz", height=2, width=2)
    message = run(capsys, "mine.toml", "--like", "custom_cnn", "--data", str(data), status=1)
    assert "'custom_cnn' does not fit images of 2×2×1 in 3 classes: layer 4 'pool2'" in message
    assert not Path("mine.toml").exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a b.toml", "a_b"),
        ("été.toml", "t_"),
        ("日本.toml", "design"),
        ("-x.y.toml", "x.y"),
        ("a" * 90 + ".toml", "a" * 64),
    ],
)
def test_a_name_is_made_of_any_file_name(file: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "--", file)
    assert load_design(file).name == name
    typed = f"./{file}" if file.startswith("-") else file  # or it would be taken for an option
    assert f"muslin analyze {shlex.quote(typed)}" in re.split(r" {3}|\n", out.replace("\n  ", "\n"))
    assert f"muslin analyze {shlex.quote(typed)}\n" in Path(file).read_text()


def test_a_file_name_cannot_smuggle_a_line_into_the_design(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "a\nname = 3\n.toml")
    assert load_design("a\nname = 3\n.toml").name.startswith("a_name")


@given(
    shape=st.tuples(st.integers(1, 128), st.integers(1, 128), st.integers(1, 4)),
    classes=st.integers(2, 50),
)
def test_images_of_any_shape_get_a_design_that_ends_near_seven_pixels(
    shape: tuple[int, int, int], classes: int
) -> None:
    design = start_design("start", shape, classes)
    assert (design.input_shape, design.classes) == (shape, classes)
    pooled = design.placed[design.names.index("global_avg_pool")].input_shape
    for before, after in zip(shape[:2], pooled[:2], strict=True):
        assert 5 <= after <= 11 or after == before
    for placed in design.placed:
        if placed.layer.kind == "max_pool2d":
            square = min(placed.input_shape[:2]) >= 10
            assert placed.layer.kernel in ([(2, 2)] if square else [(2, 1), (1, 2)])
            assert ("(only the " in placed.layer.because) == (not square)
    assert design.names.count("global_avg_pool") == 1
    assert sum(layer.kind == "conv2d" for layer in design.layers) >= 2
    assert parse_design(format_commented(design, "start.toml")) == design


@pytest.mark.parametrize(
    ("shape", "classes", "reason"),
    [
        ((8, 8, 1), 1, "at least 2 classes"),
        ((8, 8, 5), 3, "the channels must be at most 4"),
        ((9000, 8, 3), 3, "the height must be at most 4,096"),
    ],
)
def test_images_that_no_design_takes_are_explained(shape: tuple[int, int, int], classes: int, reason: str) -> None:
    with pytest.raises(DesignError, match=f"^these images: .*{reason}"):
        start_design("start", shape, classes)


def test_every_layer_has_a_reason_and_the_open_ones_say_so() -> None:
    design = start_design("start", (28, 28, 1), 10)
    assert all(layer.because for layer in design.layers)
    assert all(layer.because.startswith(OPEN) for layer in design.layers[:-1])


def test_the_comments_explain_every_field_and_list_every_choice() -> None:
    text = format_commented(start_design("start", (28, 28, 1), 10), "start.toml")
    for kind, model in LAYER_KINDS.items():
        entry = re.split(r"\n#( {5}\w|\n)", text.split(f"\n#     {kind}", 1)[1])[0]
        assert all(field in entry for field in set(model.model_fields) - {"kind", "name", "because"})
    for choice in (*get_args(Activation), *get_args(Padding)):
        assert choice in text
    explained = [line.split(" = ")[0] for line in text.splitlines() if "  # " in line]
    assert {"filters", "kernel", "stride", "dilation", "padding", "activation", "rate", "units"} <= set(explained)
    assert max(len(line) for line in text.splitlines()) <= 120


def test_the_claim_in_the_last_comment_is_valid() -> None:
    lines = format_commented(start_design("start", (28, 28, 1), 10), "start.toml").splitlines()
    start = lines.index("# [[claims]]")
    text = "\n".join([*lines[:start], *(line.removeprefix("# ") for line in lines[start:])])
    assert parse_design(text).claims[0].measure == "test_accuracy"
    assert len(tomllib.loads(text)["claims"]) == 1


def test_the_commands_that_a_new_design_names_read_the_files_in_the_same_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = tmp_path / "photos"
    for number in range(24):
        place = pictures / ("leaf", "stone")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40 + number, 30), (9 * number, 90, 200)).save(place / f"{number}.png")
    options = ["--data", str(pictures), "--size", "32x32", "--test-fraction", "0.25"]
    with pytest.raises(SystemExit) as ended:
        main(["new", str(tmp_path / "mine.toml"), *options])
    assert ended.value.code == 0
    named = f"--data {pictures} --size 32x32 --test-fraction 0.25"
    assert named in capsys.readouterr().out
    assert named in (tmp_path / "mine.toml").read_text(encoding="utf-8")
