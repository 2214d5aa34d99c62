"""`muslin export` and `muslin predict`, as typed."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from helpers.small_designs import FLATTEN, design, random_network, weights_of
from muslin.cli import muslin
from muslin.data import Dataset
from muslin.design import load_design
from muslin.errors import DataError, ExportError, MuslinError, RunError
from muslin.exports import export
from muslin.exports.predictor import Predictor
from muslin.network import Network
from muslin.pictures.photo import prepare_photo
from muslin.recipe import load_recipe
from muslin.runs.folder import RunFolder
from muslin.workflow.observer import observer_of
from muslin.workflow.predict import predict as muslin_predict
from muslin.workflow.run_steps import export_all
from muslin.workflow.run_training import new_record
from muslin.workflow.trained_run import Run


@pytest.fixture
def folder(tmp_path: Path, sample: Dataset) -> RunFolder:
    """A run whose network was never trained: the verbs don't care."""
    torch.manual_seed(0)
    return run_folder(tmp_path / "runs", sample, Network(load_design("custom_cnn")))


def run_folder(parent: Path, data: Dataset, network: Network) -> RunFolder:
    record = new_record(network.design, data, load_recipe("fast"), seed=0)
    folder = RunFolder.create(record, network.design, parent)
    names = record.data.class_names if network.design.classes == len(record.data.class_names) else ()
    export(network.design, weights_of(network), folder.weights_path, "safetensors", class_names=names)
    return folder


@pytest.fixture
def pictures(tmp_path: Path, sample: Dataset) -> list[Path]:
    paths = [tmp_path / f"picture{number}.png" for number in range(3)]
    for path, pixels in zip(paths, sample.test.images[..., 0], strict=False):
        Image.fromarray(pixels).save(path)
    return paths


def words(text: str) -> str:
    """Text without the line breaks of the terminal's width."""
    return " ".join(text.split())


def typed(verb: str, *arguments: object, **options: object) -> Result:
    result = CliRunner().invoke(muslin, [verb, *map(str, arguments)], **options)  # type: ignore[arg-type]
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize(
    ("to", "name"),
    [
        ("onnx", "model.onnx"),
        ("keras", "model.keras"),
        ("h5", "fashion_mnist_cnn_custom.h5"),
        ("safetensors", "model.safetensors"),
    ],
)
def test_export_writes_into_the_run_checks_and_prints_the_path(folder: RunFolder, to: str, name: str) -> None:
    result = typed("export", folder.path, "--to", to)
    assert result.exit_code == 0
    assert result.stdout == f"{folder.path / name}\n"
    assert (folder.path / name).stat().st_size > 300_000
    checked = "Checked on 500 test images of the sample: the largest difference from the network is"
    if to == "safetensors":
        checked = "Checked: the file contains exactly the network's weights."
    assert checked in words(result.stderr)


def test_export_writes_where_it_is_told_and_quietly(folder: RunFolder, tmp_path: Path) -> None:
    place = tmp_path / "new folder" / "shoe.onnx"
    result = typed("export", folder.path, "--to", "onnx", "-o", place, "--quiet")
    assert (result.stdout, result.stderr) == (f"{place}\n", "")
    onnx.checker.check_model(place, full_check=True)


@pytest.mark.parametrize(
    ("to", "place"),
    [
        ("safetensors", "predictions.safetensors"),
        ("safetensors", "baseline/model.safetensors"),
        ("safetensors", "../other/model.safetensors"),
        ("onnx", "../other/model.onnx"),
        ("h5", "model.h5"),  # the run's own is called otherwise
    ],
)
def test_export_takes_no_place_that_a_run_keeps_for_something_else(folder: RunFolder, to: str, place: str) -> None:
    for run in (folder.path / "baseline", folder.path.parent / "other"):
        shutil.copytree(folder.path, run)
    kept = folder.path / place
    kept.write_bytes(b"of value")
    with pytest.raises(MuslinError, match=r"belongs to run .* Choose another name"):
        typed("export", folder.path, "--to", to, "-o", kept)
    with pytest.raises(MuslinError, match="belongs to run"):
        Run(folder).export(to, kept)  # type: ignore[arg-type]
    assert kept.read_bytes() == b"of value"


def test_export_may_stand_beside_a_run_s_files_and_write_its_own_anew(folder: RunFolder) -> None:
    weights = folder.weights_path.read_bytes()
    for place in (folder.path / "shoe.safetensors", folder.weights_path):
        assert typed("export", folder.path, "--to", "safetensors", "-o", place).exit_code == 0
        assert place.read_bytes() == weights


@pytest.mark.parametrize("to", ["safetensors", "onnx", "keras"])
def test_an_export_that_is_not_the_network_leaves_the_old_file_whole(
    folder: RunFolder, sample: Dataset, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name = f"muslin.exports.{to}", f"write_{to}"
    write = getattr(importlib.import_module(module), name)

    def wrong(of: object, weights: dict[str, np.ndarray], path: Path) -> None:
        write(of, {name: values + np.float32(0.01) for name, values in weights.items()}, path)

    run = Run(folder)
    run.network  # noqa: B018  (read before its file is replaced)
    place = folder.export_path(to)
    place.write_bytes(b"old")
    before = {path.name for path in folder.path.iterdir()}
    monkeypatch.setattr(f"{module}.{name}", wrong)
    attempts = [lambda: run.export(to)]  # type: ignore[arg-type]
    if to == "onnx":
        attempts += [
            lambda: typed("export", folder.path, "--to", to),
            lambda: export_all(run, sample, observer_of(False)),
        ]
    for attempt in attempts:
        with pytest.raises(
            ExportError, match=rf"{place.name} was not written, .* the reloaded file is wrong: .* differ"
        ):
            attempt()
        assert place.read_bytes() == b"old"
        assert {path.name for path in folder.path.iterdir()} == before


def test_export_from_python_says_what_it_was_checked_on(folder: RunFolder, sample: Dataset) -> None:
    said: list[str] = []
    Run(folder).export("onnx", say=said.append)
    Run(folder).export("onnx", images=sample.test.images[:3], say=said.append)
    assert said[0].startswith("Checked on 500 test images of the sample: the largest difference from the network is ")
    assert said[1].startswith("Checked on the images given: ")


def test_export_of_a_design_that_the_sample_does_not_fit_is_checked_on_noise(tmp_path: Path, sample: Dataset) -> None:
    folder = run_folder(tmp_path, sample, random_network(design(FLATTEN, input_shape=(6, 6, 3), units=10)))
    assert "100 random images" in words(typed("export", folder.path, "--to", "onnx").stderr)


def test_export_of_an_unknown_format_lists_the_known(folder: RunFolder) -> None:
    result = typed("export", folder.path, "--to", "tflite")
    assert result.exit_code == 2
    assert all(name in result.stderr for name in ("onnx", "keras", "h5", "safetensors"))


def test_export_without_weights_names_the_file(folder: RunFolder) -> None:
    folder.weights_path.unlink()
    with pytest.raises(RunError, match=r"model\.safetensors does not exist"):
        typed("export", folder.path, "--to", "onnx")


def test_predict_gives_the_network_s_probabilities(folder: RunFolder, pictures: list[Path], sample: Dataset) -> None:
    expected = Run(folder).predict(sample.test.images[:3])
    answers = json.loads(typed("predict", folder.path, *pictures, "--json", "--top", 10).stdout)
    assert [answer["image"] for answer in answers] == [str(path) for path in pictures]
    for answer, row in zip(answers, expected, strict=True):
        assert answer["class"] == sample.class_names[row.argmax()]
        assert not answer["resized"]
        assert [entry["number"] for entry in answer["top"]] == np.argsort(-row, kind="stable").tolist()
        found = [entry["probability"] for entry in sorted(answer["top"], key=lambda entry: entry["number"])]
        np.testing.assert_allclose(found, row, atol=1e-6)


def test_predict_takes_a_folder_for_the_pictures_in_it(folder: RunFolder, pictures: list[Path], tmp_path: Path) -> None:
    for number, picture in enumerate(pictures):
        place = tmp_path / "test" / "ab"[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(picture.read_bytes())
    (tmp_path / "test" / "notes.txt").write_text("about")
    (tmp_path / "test" / ".hidden.png").write_bytes(b"")
    found = muslin_predict(folder, tmp_path / "test")
    singly = muslin_predict(folder, *sorted((tmp_path / "test").glob("*/*.png")))
    assert len(found) == len(pictures)
    assert [each.to_dict() for each in found] == [each.to_dict() for each in singly]
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="none is a folder without pictures"):
        muslin_predict(folder, tmp_path / "none")


def test_predict_without_a_picture_says_that_the_run_comes_first(pictures: list[Path]) -> None:
    result = CliRunner().invoke(muslin, ["predict", str(pictures[0])])
    assert result.exit_code == 2
    assert "Missing argument 'IMAGE...'. The run comes first: muslin predict latest IMAGE." in result.output


def test_predict_uses_model_onnx_where_it_stands_and_not_when_it_is_older_than_the_weights(
    folder: RunFolder, pictures: list[Path]
) -> None:
    def answers() -> str:
        return typed("predict", folder.path, *pictures, "--json").stdout

    from_weights = answers()
    other = random_network(folder.design, seed=1)
    export(folder.design, weights_of(other), folder.export_path("onnx"), "onnx")
    from_graph = answers()
    assert from_graph != from_weights
    written = folder.weights_path.stat().st_mtime
    os.utime(folder.export_path("onnx"), (written - 1, written - 1))
    assert answers() == from_weights


def test_predict_refuses_a_graph_of_another_design(folder: RunFolder, pictures: list[Path]) -> None:
    baseline = random_network(load_design("dense_baseline"))
    export(baseline.design, weights_of(baseline), folder.export_path("onnx"), "onnx")
    with pytest.raises(RunError, match="exported from design 'dense_baseline'"):
        typed("predict", folder.path, *pictures)


def test_predict_prints_a_line_for_each_picture(folder: RunFolder, pictures: list[Path]) -> None:
    lines = typed("predict", folder.path, *pictures, "--top", 2).stdout.splitlines()
    assert [line.split()[0] for line in lines] == [str(path) for path in pictures]
    assert all(line.count("%") == 2 for line in lines)


def test_predict_reads_standard_input_and_says_what_it_resized(folder: RunFolder, tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), "white").save(tmp_path / "white.png")
    content = (tmp_path / "white.png").read_bytes()
    result = typed("predict", folder.path, "-", "--no-photo", input=content)
    assert result.stdout.startswith("standard input  ")
    assert "standard input has 60×40 pixels: it was resized to fit 28×28." in words(result.stderr)
    two = typed("predict", folder.path, tmp_path / "white.png", "-", "-q", input=content)
    assert two.stderr == ""
    names = [re.split("  +", line)[0] for line in two.stdout.splitlines()]
    assert names == [str(tmp_path / "white.png"), "standard input"]
    with pytest.raises(DataError, match=r"^standard input is not a picture"):
        typed("predict", folder.path, "-", input=b"no picture")


def test_pictures_given_as_files_or_content_have_names(folder: RunFolder, pictures: list[Path]) -> None:
    content = pictures[0].read_bytes()
    numbered = muslin_predict(folder, pictures[1], content)
    assert [found.picture.name for found in numbered] == [str(pictures[1]), "picture 2"]
    with pictures[0].open("rb") as file:
        opened = muslin_predict(folder, file, io.BytesIO(content))
    assert [found.picture.name for found in opened] == [str(pictures[0]), "picture 2"]
    assert opened[0].top == opened[1].top == numbered[1].top


def test_predict_inverts_only_when_told(folder: RunFolder, pictures: list[Path], tmp_path: Path) -> None:
    negative = tmp_path / "negative.png"
    Image.fromarray(255 - np.asarray(Image.open(pictures[0]))).save(negative)

    def top(*arguments: object) -> object:
        return json.loads(typed("predict", folder.path, *arguments, "--json").stdout)[0]["top"]

    assert top(negative, "--invert") == top(pictures[0])
    assert top(negative) != top(pictures[0])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A dark thing on a light ground, as in a shop's catalogue."""
    image = np.full((300, 200, 3), 250, np.uint8)
    image[60:240, 70:130] = (40, 60, 90)
    Image.fromarray(image).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def predicted(*arguments: object, **options: object) -> dict[str, Any]:
    (answer,) = json.loads(typed("predict", *arguments, "--json", "--top", 10, **options).stdout)
    return answer  # type: ignore[no-any-return]


def test_predict_takes_a_photo_through_the_recipe_by_itself(folder: RunFolder, photo: Path) -> None:
    by_itself = predicted(folder.path, photo)
    assert by_itself["photo"] == ["trim", "resize", "centre", "invert", "grayscale"]
    stages = prepare_photo(photo.read_bytes(), folder.design.input_shape)
    row = Run(folder).predict(stages[-1].pixels[None])[0]
    assert [entry["number"] for entry in by_itself["top"]] == np.argsort(-row, kind="stable").tolist()
    assert by_itself["top"] == predicted(folder.path, photo, "--photo")["top"]
    assert by_itself["top"] == predicted(folder.path, "-", input=photo.read_bytes())["top"]
    assert by_itself["top"] != predicted(folder.path, photo, "--no-photo")["top"]
    note = (
        "photo.png has 200×300 pixels: it went through the photo preparation (trim, resize, centre, invert, grayscale)."
    )
    assert note in words(typed("predict", folder.path, photo).stderr)


def test_predict_only_fits_for_networks_that_learned_from_other_images(
    tmp_path: Path, photo: Path, sample: Dataset
) -> None:
    network = Network(load_design("custom_cnn"))
    record = new_record(network.design, sample, load_recipe("fast"), seed=0)
    names = tuple(f"part {number}" for number in range(10))
    audit = record.data.audit.model_copy(update={"fashion_share": 0.0})
    data = record.data.model_copy(update={"class_names": names, "audit": audit})
    other = record.model_copy(update={"data": data})
    folder = RunFolder.create(other, network.design, tmp_path / "runs")
    export(network.design, weights_of(network), folder.weights_path, "safetensors", class_names=names)
    assert predicted(folder.path, photo)["photo"] is None
    assert predicted(folder.path, photo, "--photo")["photo"]


def test_predict_takes_pictures_of_the_networks_size_as_they_are_unless_told(
    folder: RunFolder, pictures: list[Path]
) -> None:
    assert predicted(folder.path, pictures[0])["photo"] is None
    assert predicted(folder.path, pictures[0], "--photo")["photo"]
    assert typed("predict", folder.path, pictures[0], "--photo", "--invert").exit_code == 2


def test_predict_reads_standard_input_only_once(folder: RunFolder) -> None:
    assert typed("predict", folder.path, "-", "-").exit_code == 2


def test_predict_explains_one_bad_picture_among_good_ones(folder: RunFolder, pictures: list[Path]) -> None:
    pictures[1].write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"picture1\.png is not a picture"):
        typed("predict", folder.path, *pictures)


@pytest.mark.long
@pytest.mark.parametrize("exported", [True, False], ids=["model.onnx", "weights only"])
def test_predict_never_imports_torch(folder: RunFolder, pictures: list[Path], exported: bool) -> None:
    if exported:
        Run(folder).export("onnx")
    code = (
        "import sys; from muslin.cli.predict import command;"
        "command(sys.argv[1:], standalone_mode=False);"
        "heavy = {'torch', 'keras', 'matplotlib', 'polars', 'sklearn', 'scipy'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, folder.path, pictures[0], "--photo", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "%" in done.stdout


def test_a_predictor_of_a_run_knows_its_classes(folder: RunFolder, sample: Dataset) -> None:
    assert Predictor.from_run(folder).class_names == sample.class_names
