"""What a study leaves for reports: found by the design's layers, copied, shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.studies import study
from muslin.ablation.justification import FILE, FOREST, copy_evidence, find_study, load_justification
from muslin.data.source import Source
from muslin.design import load_design
from muslin.errors import RunError

CNN, DENSE = load_design("custom_cnn"), load_design("dense_baseline")


def test_the_newest_study_of_the_same_layers_is_found_whatever_it_is_called(tmp_path: Path) -> None:
    assert find_study(DENSE, tmp_path / "studies") is None
    study(tmp_path / "studies" / "b-old", DENSE, age=100)
    newest = study(tmp_path / "studies" / "a-new", DENSE, age=50)
    study(tmp_path / "studies" / "c-other", CNN)
    study(tmp_path / "studies" / "d-sample", DENSE, sample=True)
    (tmp_path / "studies" / "e-damaged").mkdir()
    (tmp_path / "studies" / "e-damaged" / FILE).write_text("{}")
    assert find_study(DENSE, tmp_path / "studies") == newest
    renamed = DENSE.model_copy(update={"name": "mine", "because": "Other words."})
    assert find_study(renamed, tmp_path / "studies") == newest


def test_what_is_copied_reads_the_same(tmp_path: Path) -> None:
    original = study(tmp_path / "study", CNN)
    copy_evidence(original, tmp_path / "run" / "evidence")
    assert load_justification(tmp_path / "run" / "evidence") == load_justification(original)
    assert (tmp_path / "run" / "evidence" / FOREST).read_bytes() == (original / FOREST).read_bytes()


def test_a_table_of_the_first_version_is_read_and_its_source_is_a_value(tmp_path: Path) -> None:
    folder = study(tmp_path / "study", CNN)
    content = json.loads((folder / FILE).read_text())
    content["origin"]["data"] = "--data (/home/ada/shirts)"
    (folder / FILE).write_text(json.dumps(content))
    assert load_justification(folder).origin.data == Source(kind="path", path=Path("/home/ada/shirts"))


def test_an_unfinished_study_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    with pytest.raises(RunError, match=r"justification\.json cannot be read: .*`muslin ablate` writes it at the end"):
        copy_evidence(tmp_path / "study", tmp_path / "run")
    assert not (tmp_path / "run").exists()
