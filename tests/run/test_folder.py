from __future__ import annotations

import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from muslin.data import Dataset
from muslin.data.source import Kind, Source
from muslin.design import load_design
from muslin.errors import MuslinError, RunError
from muslin.evaluation import Evaluation
from muslin.recipe import load_recipe
from muslin.runs.folder import RunFolder, list_runs
from muslin.runs.record import RunRecord
from muslin.training.history import Epoch, History
from muslin.workflow.run_training import new_record

CNN = load_design("custom_cnn")


@pytest.fixture
def record(sample: Dataset) -> RunRecord:
    return new_record(CNN, sample, load_recipe("fast"), 3)


@pytest.fixture
def folder(record: RunRecord, tmp_path: Path) -> RunFolder:
    return RunFolder.create(record, CNN, tmp_path / "runs")


def test_what_is_written_is_read_back(folder: RunFolder, record: RunRecord) -> None:
    opened = RunFolder.open(folder.path)
    assert opened.record == record
    assert opened.design == CNN
    history = History([Epoch(1, 1e-3, 0.5, 0.8, 0.4, 0.85, 1.25, 1e4), Epoch(2, 1e-3, 0.3, 0.9, 0.35, 0.87, 1.5, 2e4)])
    folder.save_history(history)
    assert opened.history == history
    evaluation = Evaluation(np.array([1, 0]), np.eye(10, dtype=np.float32)[:2], record.data.class_names)
    assert opened.evaluation is None
    del opened.evaluation
    folder.save_evaluation(evaluation, {"test": evaluation.summary()})
    assert opened.evaluation is not None
    assert np.array_equal(opened.evaluation.labels, evaluation.labels)
    assert np.array_equal(opened.evaluation.probabilities, evaluation.probabilities)
    assert opened.measured == {"test": evaluation.summary()}


def test_a_record_of_the_first_version_is_read_and_its_source_is_a_value(folder: RunFolder, record: RunRecord) -> None:
    (folder.path / "run.json").write_bytes((Path(__file__).parent / "old" / "run.json").read_bytes())
    opened = RunFolder.open(folder.path)
    assert opened.record.data.source == Source(kind="path", path=Path("/home/ada/shirts.npz"))
    opened.save_record(opened.record)
    assert RunFolder.open(folder.path).record == opened.record


def test_the_name_says_when_what_how_and_which_seed(folder: RunFolder, record: RunRecord) -> None:
    assert folder.name == f"{record.created:%Y%m%d-%H%M%S}-custom_cnn-fast-3"


def test_latest_points_at_the_newest_and_two_runs_in_a_second_are_two(
    folder: RunFolder, record: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = RunFolder.create(record, CNN, tmp_path / "runs")
    assert second.name == f"{folder.name}-2"
    monkeypatch.chdir(tmp_path)
    assert RunFolder.open("latest").path == second.path
    assert [run.name for run in list_runs()] == [folder.name, second.name]
    assert not list((tmp_path / "runs").glob(".*"))


def test_runs_are_in_the_order_in_which_they_began_whatever_their_names(record: RunRecord, tmp_path: Path) -> None:
    began = datetime(2026, 10, 25, 2, 30, 0, 500, tzinfo=timezone(timedelta(hours=2)))
    same_second = began - timedelta(microseconds=1)
    hour_again = (began + timedelta(minutes=30)).astimezone(timezone(timedelta(hours=1)))  # 02:00 once more
    made = {
        name: RunFolder.create(record.model_copy(update={"created": created, "design": name}), design, tmp_path)
        for name, created in (("late", hour_again), ("a", began), ("b", same_second))
        for design in [CNN.model_copy(update={"name": name})]
    }
    damaged = RunFolder.create(record, CNN, tmp_path)
    (damaged.path / "run.json").write_text("{")
    assert [run.name for run in list_runs(tmp_path)] == [
        damaged.name,
        made["b"].name,
        made["a"].name,
        made["late"].name,
    ]


def test_without_runs_there_are_none(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "nowhere") == ()


def test_without_a_newest_run_the_way_out_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="no runs yet in runs") as refused:
        RunFolder.open("latest")
    assert "'latest'" not in str(refused.value)
    assert "`muslin run --sample`" in str(refused.value)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run folder .* does not exist\. Pass"):
        RunFolder.open(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"has no run\.json"):
        RunFolder.open(tmp_path)


@pytest.mark.parametrize("name", ["design.toml", "history.csv"])
def test_a_missing_file_is_named(folder: RunFolder, name: str) -> None:
    (folder.path / name).unlink(missing_ok=True)
    with pytest.raises(RunError, match=f"has no {name}"):
        _ = folder.design if name == "design.toml" else folder.history


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("run.json", b"{", "run.json is damaged"),
        ("run.json", b"[]", "run.json is damaged"),
        ("run.json", b'{"format": 7}', "from another version of Muslin: format"),
        ("history.csv", b"a,b\n1,2\n", "has the columns a, b"),
        ("history.csv", b"\xff\xfe", "history.csv is damaged"),
        ("predictions.safetensors", b"rubbish", "predictions.safetensors is damaged"),
        ("evaluation.json", b"[1]", "does not contain an evaluation"),
        ("evaluation.json", b"[" * 100_000, "evaluation.json is damaged"),
        ("evaluation.json", b"{", "Delete it and rerun `muslin evaluate"),
        ("predictions.safetensors", b"", "Delete it and rerun `muslin evaluate"),
        ("history.csv", b"", "history.csv is empty"),
    ],
)
def test_a_damaged_file_is_named(folder: RunFolder, name: str, content: bytes, reason: str) -> None:
    (folder.path / name).write_bytes(content)
    fresh = RunFolder(folder.path)
    with pytest.raises(RunError, match=reason):
        _ = (fresh.record, fresh.history if name == "history.csv" else fresh.evaluation, fresh.measured)


def test_history_with_text_for_a_number_names_the_line(folder: RunFolder) -> None:
    text = History([Epoch(1, 1e-3, 0.5, 0.8, 0.4, 0.85, 1.25, 1e4)]).to_csv().replace("0.85", "good")
    (folder.path / "history.csv").write_text(text)
    with pytest.raises(RunError, match="line 2, column validation_accuracy: 'good' is not a number"):
        _ = folder.history


def test_the_epoch_kept_is_the_one_restored_or_else_the_last() -> None:
    history = History(Epoch(number, 1e-3, 0.5, 0.8, 0.4, 0.85, 1.25, 1e4) for number in (1, 2, 3))
    assert history.kept(2).epoch == 2
    assert history.kept(None).epoch == 3
    assert history.kept(99).epoch == 3  # a record that somebody wrote by hand


def test_a_history_that_was_cut_off_says_where(folder: RunFolder) -> None:
    text = History([Epoch(1, 1e-3, 0.5, 0.8, 0.4, 0.85, 1.25, 1e4)]).to_csv()
    (folder.path / "history.csv").write_text(text[: text.index(",0.85")])
    with pytest.raises(RunError, match="line 2 has 5 values for 8 columns: validation_accuracy is missing"):
        _ = folder.history


def test_a_place_that_cannot_be_written_is_explained(record: RunRecord, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MuslinError, match=r"run folder .* cannot be created"):
        RunFolder.create(record, CNN, tmp_path / "file")


def test_figures_of_earlier_weights_go_and_all_others_stay(folder: RunFolder) -> None:
    gone = ["filters.svg", "filters.png", "confusion_matrix.svg", "photo/evidence.png"]
    stay = ["architecture.svg", "sample_grid.png", "receptive_fields.svg", "mine.png", "filters.txt", "photo/mine.svg"]
    for name in gone + stay:
        path = folder.figures_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("drawn")
    folder.drop_results()
    there = {str(path.relative_to(folder.figures_path)) for path in folder.figures_path.rglob("*.*")}
    assert there == set(stay)


def test_a_full_disk_leaves_the_old_file_whole(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder.path / "run.json").read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MuslinError, match=r"run\.json cannot be written: No space left on device"):
        folder.save_record(folder.record.model_copy(update={"seed": 9}))
    assert (folder.path / "run.json").read_bytes() == before
    assert {path.name for path in folder.path.iterdir()} == {"run.json", "design.toml"}


def test_the_reference_describes_every_field_and_kind_of_a_source() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "run-folder.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `(\w+)` \|", page[page.index("`data.source`") :], re.MULTILINE)
    assert described == [*Source.model_fields, *get_args(Kind)]
