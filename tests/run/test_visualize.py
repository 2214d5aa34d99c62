"""`muslin visualize`: a run's filters, and what it makes of one image."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from muslin.cli import muslin
from muslin.data import Dataset
from muslin.design import parse_design
from muslin.errors import DataError, DesignError, MuslinError
from muslin.recipe import load_recipe
from muslin.runs.files import FIGURES_OF_WEIGHTS
from muslin.workflow.train import train

FLAT = """
name = "flat"
input_shape = [28, 28, 1]
layers = [
  { kind = "conv2d", name = "look", filters = 4, kernel = 5, stride = 2, activation = "relu" },
  { kind = "flatten", name = "flatten" },
  { kind = "dense", name = "answer", units = 10 },
]
"""
FIGURES = [
    "filters",
    "filter_responses",
    "feature_maps",
    "evidence",
    "occlusion",
    "strongest_patches",
    "receptive_fields",
]


@pytest.fixture(scope="module")
def run(workshop: Path) -> Path:
    return (workshop / "runs" / "latest").resolve()


def visualize(*arguments: str | Path) -> Result:
    return CliRunner().invoke(muslin, ["visualize", *map(str, arguments)])


def test_a_run_folder_knows_every_figure_of_weights_by_name(run: Path) -> None:
    drawn = {path.stem for path in (run / "figures").iterdir()} | set(FIGURES)
    assert drawn - {"architecture", "sample_grid", "receptive_fields"} == set(FIGURES_OF_WEIGHTS)


def test_a_test_image_is_drawn_on_its_way_through_the_run(run: Path, tmp_path: Path) -> None:
    done = visualize(run, "--image", "7", "-o", tmp_path)
    assert done.exit_code == 0, done.output
    expected = [str(tmp_path / f"{name}.{suffix}") for name in FIGURES for suffix in ("svg", "png")]
    assert done.stdout.split() == expected
    assert all(Path(path).stat().st_size > 2_000 for path in expected)


@pytest.mark.parametrize(
    ("told", "note"),
    [
        ((), "has 90×60 pixels: it went through the photo preparation (trim, resize, sharpen, centre, grayscale)."),
        (("--no-photo",), "has 90×60 pixels: it was resized to fit 28×28."),
    ],
)
def test_a_picture_file_is_prepared_as_by_predict_and_a_note_says_so(
    told: tuple[str, ...], note: str, run: Path, tmp_path: Path, sample: Dataset
) -> None:
    picture = tmp_path / "boot.png"
    Image.fromarray(sample.test.images[0, ..., 0]).convert("RGB").resize((90, 60)).save(picture)
    done = visualize(run, "--image", picture, "-o", tmp_path / "out", *told)
    assert done.exit_code == 0, done.output
    assert note in " ".join(done.stderr.split())
    assert sorted(path.stem for path in (tmp_path / "out").glob("*.svg")) == sorted(FIGURES)


def test_a_picture_file_is_drawn_without_test_images_and_a_note_says_what_is_missing(
    run: Path, tmp_path: Path, sample: Dataset
) -> None:
    picture = tmp_path / "boot.png"
    Image.fromarray(sample.test.images[0, ..., 0]).save(picture)
    done = visualize(run, "--image", picture, "--data", tmp_path / "nowhere", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "Skipping maximally activating patches: no test images" in " ".join(done.stderr.split())
    assert not (tmp_path / "out" / "strongest_patches.svg").exists()
    assert (tmp_path / "out" / "occlusion.svg").exists()


def test_a_design_without_global_average_pooling_is_drawn_with_grad_cam(tmp_path: Path, sample: Dataset) -> None:
    flat = parse_design(FLAT)
    recipe = load_recipe("fast").model_copy(update={"epochs": 1})
    trained = train(flat, sample, recipe, out=tmp_path / "runs", seed=0)
    done = visualize(trained.folder.path, "--sample", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "Grad-CAM" in (tmp_path / "out" / "evidence.svg").read_text()
    assert sorted(path.stem for path in (tmp_path / "out").glob("*.svg")) == sorted(FIGURES)


@pytest.mark.parametrize(
    ("run_name", "image", "error", "complaint"),
    [
        (".", "500", DataError, "no test image 500: the test split has 500, numbered 0–499"),
        (".", "nothing.png", DataError, r"nothing\.png cannot be read"),
        ("baseline", "0", DesignError, "no convolution"),
        ("elsewhere", "0", MuslinError, "elsewhere"),
    ],
)
def test_what_cannot_be_drawn_is_explained_and_nothing_is_written(
    run: Path, tmp_path: Path, run_name: str, image: str, error: type[MuslinError], complaint: str
) -> None:
    done = visualize(run / run_name, "--image", image, "-o", tmp_path / "out")
    assert isinstance(done.exception, error)
    with pytest.raises(error, match=complaint):
        raise done.exception
    assert not (tmp_path / "out").exists()


def test_a_negative_image_number_is_explained(run: Path) -> None:
    done = visualize(run, "--image=-1")
    assert isinstance(done.exception, DataError)
    assert "no test image -1: the test split has 500, numbered 0–499" in str(done.exception)
