"""`muslin predict RUN test.csv -o submission.csv`: a class for every row of a file without labels."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from helpers.small_designs import FLATTEN, design, random_network, weights_of
from muslin.cli import muslin
from muslin.data import load_data
from muslin.errors import DataError, MuslinError
from muslin.exports import export
from muslin.exports.predictor import Predictor
from muslin.recipe import load_recipe
from muslin.runs.folder import RunFolder
from muslin.workflow.predict import predict
from muslin.workflow.run_training import new_record

SIDE = 4


def write(path: Path, head: Sequence[str], first: Sequence[object], images: np.ndarray) -> Path:
    names = [*head, *(f"pixel{number}" for number in range(SIDE * SIDE))]
    rows = [[*([cell] if head else []), *pixels] for cell, pixels in zip(first, images.tolist(), strict=True)]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return path


def pixels(many: int) -> np.ndarray:
    """Return dark pixels, 0–16, of which the brightest is present."""
    found = np.random.default_rng(many).integers(0, 17, (many, SIDE * SIDE))
    found[0, 0] = 16
    return found


def trained(folder: Path, labels: Sequence[object], **reading: bool) -> RunFolder:
    """A run, whose network was never trained, on a CSV file with three classes of dark images."""
    data_path = write(folder / "digits.csv", ["Label"], [labels[number % 3] for number in range(60)], pixels(60))
    data = load_data(data_path, test_fraction=0.2, **reading)
    small = design(FLATTEN, input_shape=(SIDE, SIDE, 1), units=3)
    run = RunFolder.create(new_record(small, data, load_recipe("fast"), seed=0), small, folder / "runs")
    weights = weights_of(random_network(small))
    export(small, weights, run.weights_path, "safetensors", class_names=data.class_names)
    return run


def lines(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def expected(run: RunFolder, images: np.ndarray) -> list[str]:
    """Return the classes of dark images, which the run brings to 0–255."""
    brought = np.floor(images * 255 / 16 + 0.5).astype(np.uint8).reshape(-1, SIDE, SIDE, 1)
    predictor = Predictor.from_run(run)
    return [predictor.class_names[each] for each in predictor.probabilities(brought).argmax(1)]


def test_a_class_is_written_for_every_row_by_its_id(tmp_path: Path) -> None:
    run, images = trained(tmp_path, ["ant", "bee", "cow"]), pixels(700)
    ids = [f"{number}.png" for number in range(700)]
    rows, out = write(tmp_path / "test.csv", ["image_id"], ids, images), tmp_path / "new" / "submission.csv"
    typed = CliRunner().invoke(muslin, ["predict", str(run.path), str(rows), "-o", str(out)])
    assert (typed.exit_code, typed.stdout) == (0, f"{out}\n")
    found = lines(out)
    assert found[0] == ["image_id", "Label"]  # the training file's own name for the labels
    assert [line[0] for line in found[1:]] == ids
    assert [line[1] for line in found[1:]] == expected(run, images)
    assert len(set(expected(run, images))) > 1


def test_rows_without_an_id_are_numbered_and_numbered_classes_are_numbers(tmp_path: Path) -> None:
    run, images = trained(tmp_path, [1, 2, 5]), pixels(5)
    rows, out = write(tmp_path / "test.csv", [], [0] * 5, images), tmp_path / "found.csv"
    predict(run, rows, out=out, progress=False)
    assert lines(out) == [
        ["id", "Label"],
        *([str(number), name.removeprefix("class ")] for number, name in enumerate(expected(run, images), 1)),
    ]


def test_labels_in_the_file_are_left_out(tmp_path: Path) -> None:
    run, images = trained(tmp_path, [1, 2, 5]), pixels(5)
    rows = write(tmp_path / "test.csv", ["label"], ["x"] * 5, images)
    assert [each.name for each in predict(run, rows, progress=False)] == expected(run, images)


def test_rows_are_transposed_as_the_training_images_were(tmp_path: Path) -> None:
    run, images = trained(tmp_path, [1, 2, 5], transpose=True), pixels(5)
    rows = write(tmp_path / "test.csv", [], [0] * 5, images)
    turned = images.reshape(-1, SIDE, SIDE).transpose(0, 2, 1).reshape(-1, SIDE * SIDE)
    assert [each.name for each in predict(run, rows, progress=False)] == expected(run, turned)


def test_names_that_a_spreadsheet_would_compute_stay_text(tmp_path: Path) -> None:
    run = trained(tmp_path, ["=1+1", "=2+2", "=3+3"])
    rows, out = write(tmp_path / "test.csv", ["id"], ["=A1", "-5"], pixels(2)), tmp_path / "found.csv"
    predict(run, rows, out=out, progress=False)
    assert [line[0] for line in lines(out)] == ["id", "'=A1", "-5"]
    assert all(line[1].startswith("'=") for line in lines(out)[1:])


def test_no_file_is_overwritten_that_is_read_or_belongs_to_a_run(tmp_path: Path) -> None:
    run = trained(tmp_path, [1, 2, 5])
    rows = write(tmp_path / "test.csv", [], [0] * 5, pixels(5))
    before = rows.read_bytes()
    with pytest.raises(DataError, match="is one of the files to predict"):
        predict(run, rows, out=rows, progress=False)
    with pytest.raises(MuslinError, match="belongs to run"):
        predict(run, rows, out=run.path / "history.csv", progress=False)
    with pytest.raises(DataError, match=r"must end in \.csv"):
        predict(run, rows, out=tmp_path / "found.txt", progress=False)
    assert rows.read_bytes() == before


def test_rows_of_another_shape_and_options_for_pictures_are_refused(tmp_path: Path) -> None:
    run = trained(tmp_path, [1, 2, 5])
    rows = write(tmp_path / "test.csv", [], [0] * 5, pixels(5))
    with pytest.raises(DataError, match="are for pictures"):
        predict(run, rows, invert=True, progress=False)
    rows.write_text("pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n")
    with pytest.raises(DataError, match="4 pixel columns, but the network takes images of 4×4×1, which are 16"):
        predict(run, rows, progress=False)
