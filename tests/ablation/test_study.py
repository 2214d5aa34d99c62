"""Whole studies: run, killed, resumed, extended, written out."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from muslin.ablation import Study, Watcher, ablate, resume
from muslin.ablation.justification import load_justification, save_justification
from muslin.ablation.results import justification
from muslin.ablation.statistics import sequential_alpha
from muslin.ablation.table import HEADS, justification_rows, to_csv, to_latex, to_markdown
from muslin.data import Dataset
from muslin.data.source import Source
from muslin.design import Design, format_design, parse_design
from muslin.errors import DesignError, MuslinError, RunError, TrainingError
from muslin.recipe import Recipe
from muslin.trials.store import FILE, Store


@pytest.fixture(scope="module")
def study(tiny: Design, few: Dataset, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """All decisions of the tiny design, three seeds."""
    return ablate(tiny, few, recipe, out=tmp_path_factory.mktemp("studies"), seeds=3, pairs=[("pooling", "activation")])


@pytest.fixture(scope="module")
def everything(tiny: Design, few: Dataset, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return ablate(tiny, few, recipe, out=tmp_path_factory.mktemp("studies"), seeds=3)


def test_every_alternative_has_a_row_with_a_verdict(everything: Study) -> None:
    rows = everything.evidence()
    assert [(row.contrast.decision.name, row.alternative) for row in rows] == [
        ("pooling", "average"),
        ("pooling", "none"),
        ("activation", "tanh"),
        ("filters", "5 × 5"),
        ("filters", "8"),
        ("rate", "huge"),
    ]
    assert all(row.effect and row.effect.seeds == 3 for row in rows[:-1])
    assert all(row.chosen.seconds and row.chosen.latency and row.other.latency for row in rows)


def test_differences_are_those_of_the_trials(everything: Study) -> None:
    row = everything.evidence()[0]
    assert row.effect is not None
    chosen, other = everything.results(row.contrast.chosen), everything.results(row.contrast.other)
    assert row.effect.differences == pytest.approx([100 * (chosen[k].accuracy - other[k].accuracy) for k in range(3)])


def test_an_alternative_that_diverges_is_recorded_with_its_cause_and_said(everything: Study) -> None:
    row = everything.evidence()[-1]
    assert row.verdict.kind == "fails"
    assert row.verdict.text == "the alternative does not train: 3 trials failed (diverged)"
    failed = [kept for kept in everything.store.trials().values() if kept.cause]
    assert len(failed) == 3
    assert "is not finite" in (failed[0].cause or "")
    assert failed[0].result is None


def test_the_choice_is_trained_once_for_all_decisions(everything: Study) -> None:
    assert len(everything.store.trials()) == 3 * 7


def test_a_pair_says_whether_effects_add_up(study: Study) -> None:
    (first, _) = study.interactions()
    assert first.effect is not None
    results = [study.results(arm) for arm in study.plan.arms]
    assert len(first.effect.differences) == 3
    assert len(results) == 6
    arms = first.interaction
    none, one, two, both = (
        study.results(arm)[0].accuracy for arm in (arms.first.chosen, arms.first.other, arms.second.other, arms.both)
    )
    assert first.effect.differences[0] == pytest.approx(100 * (both - one - two + none))


def test_a_finished_study_read_again_is_the_same_and_nothing_is_repeated(everything: Study, few: Dataset) -> None:
    class NothingToDo(Watcher):
        def on_trial(self, *_: Any) -> None:
            raise AssertionError("a finished trial was repeated")

    before = to_csv(everything)
    assert to_csv(resume(everything.path, few, watch=NothingToDo())) == before


def test_more_seeds_repeat_none_of_those_that_are_there(
    tiny: Design, few: Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    done: list[int] = []

    class Seeds(Watcher):
        def on_trial(self, study: Study, trial: Any, row: Any, waiting: int) -> None:
            done.append(trial.seed)

    begun = ablate(tiny, few, recipe, out=tmp_path, decisions=["activation"], seeds=1, watch=Seeds())
    more = resume(begun.path, few, seeds=3, watch=Seeds())
    assert sorted(done) == [0, 0, 1, 1, 2, 2]
    assert more.evidence()[0].effect is not None
    assert (more.looks, more.alpha) == ((1, 3), 0.05)  # one seed shows nothing


def test_intervals_of_a_study_that_goes_on_allow_for_what_was_seen_before(everything: Study, tmp_path: Path) -> None:
    shutil.copytree(everything.path, tmp_path / "copy")
    again = Study.open(tmp_path / "copy")
    assert (again.looks, again.alpha) == ((3,), 0.05)
    again = again.changed(again.settings.model_copy(update={"seeds": 4}))
    assert (again.looks, again.alpha) == ((3, 4), sequential_alpha((3, 4)))
    again.keep()
    again.looked(4)
    assert again.alpha == Study.open(tmp_path / "copy").alpha < 0.05
    fresh = again.changed(again.settings.model_copy(update={"seeds": 2, "vary_split": True}))
    fresh.keep()
    assert (fresh.looks, fresh.alpha) == ((2,), 0.05)  # other trials, none of which was seen


def test_settings_that_do_not_fit_leave_a_study_as_it_was(everything: Study, few: Dataset, tmp_path: Path) -> None:
    shutil.copytree(everything.path, tmp_path / "copy")
    for wrong, why in (
        ({"decisions": ("nosuch",)}, "no decision 'nosuch'"),
        ({"pairs": (("pooling", "nosuch"),)}, "no decision 'nosuch'"),
        ({"seeds": 0}, "seeds"),
    ):
        with pytest.raises(MuslinError, match=why):
            resume(tmp_path / "copy", few, **wrong)
        assert Study.open(tmp_path / "copy").settings == everything.settings


def test_until_decided_stops_where_it_is_decided_and_goes_on_where_it_is_not(
    tiny: Design, few: Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    found = ablate(tiny, few, recipe, out=tmp_path, decisions=["activation"], seeds=2, max_seeds=4, margin=90)
    assert found.settings.looks == (2, 3, 4)
    assert found.looks == (2, 3, 4)
    assert found.alpha < 0.05
    seeds = [len(found.results(arm)) for arm in found.plan.arms]
    verdict = found.evidence()[0].verdict
    assert seeds == [2, 2] or (seeds > [2, 2] and verdict.kind != "undecided") or seeds == [4, 4]


@pytest.mark.trains
def test_a_study_killed_half_way_and_resumed_gives_the_same_table(tiny: Design, tmp_path: Path) -> None:
    arguments = ["--sample", "--decision", "activation/tanh", "--seeds", "3", "--epochs", "1", "--workers", "1"]
    design = tmp_path / "tiny.toml"
    design.write_text(format_design(tiny))

    def muslin(*more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "muslin", "ablate", *more, "--quiet"],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    whole = muslin(str(design), *arguments, "-o", str(tmp_path / "whole"))
    assert whole.wait(60) == 0
    killed = muslin(str(design), *arguments, "-o", str(tmp_path / "killed"))
    folder = _wait_for_trial(tmp_path / "killed")
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    with Store(folder / FILE) as store:
        before = store.trials()
    assert 1 <= len(before) < 6
    resumed = muslin("--resume", str(folder), "--workers", "1")
    assert resumed.wait(60) == 0, resumed.stderr and resumed.stderr.read()
    with Store(folder / FILE) as store:
        after = store.trials()
    assert {key: after[key] for key in before} == before
    (first,), (second,) = (_rows(path / "table.csv") for path in (next((tmp_path / "whole").iterdir()), folder))
    measured = ("seconds", "latency", "verdict")  # times, and what rests on them
    assert {k: v for k, v in first.items() if not k.startswith(measured)} == {
        k: v for k, v in second.items() if not k.startswith(measured)
    }
    for process in (whole, killed, resumed):
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def _wait_for_trial(folder: Path) -> Path:
    """The study's folder, once a trial is in it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in folder.glob(f"*/{FILE}"):
            try:
                with Store(path) as store:
                    if store.trials():
                        return path.parent
            except RunError:
                pass
        time.sleep(0.02)
    raise AssertionError("no trial in a minute")


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


# ── What comes out ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tables_are_frames(everything: Study) -> None:
    table, trials, shifts = everything.table(), everything.trials(), everything.shift_table()
    assert table.height == 6
    assert trials.height == 21
    assert set(trials["seed"]) == {0, 1, 2}
    assert shifts.columns == ["arm", "seeds", "shift_0", "shift_1", "shift_2", "shift_3", "shift_4"]
    assert shifts["arm"][0] == "tiny"


def test_markdown_and_latex_have_a_line_for_each_alternative(everything: Study) -> None:
    markdown = to_markdown(everything).splitlines()
    assert len(markdown) == 2 + 6
    assert all(line.count("|") - line.count("\\|") == len(HEADS) + 1 for line in markdown)
    latex = to_latex(everything)
    assert latex.count(r"\\") == 1 + 6
    assert r"5 $\times$ 5" in latex


def test_what_a_study_says_can_be_read_without_torch(everything: Study, tmp_path: Path) -> None:
    said = justification(everything)
    save_justification(said, tmp_path)
    assert load_justification(tmp_path) == said
    code = "import sys, muslin.ablation.justification; print('torch' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    (tmp_path / "justification.json").write_text('{"design": []}')
    with pytest.raises(RunError, match="is damaged"):
        load_justification(tmp_path)


EVIL = """
name = "evil"
input_shape = [28, 28, 1]
layers = [{kind = "flatten", name = "f"}, {kind = "dense", name = "output", units = 10}]
[[decisions]]
name = "attack"
chosen = "=HYPERLINK(\\"http://evil\\")"
because = "<script>alert(1)</script> | @SUM(A1) \\\\input{/etc/passwd} $x$ [x](javascript:1) `x`"
alternatives = [
  {name = "+cmd|' /C calc'!A0", edits = [{recipe = {batch_size = 40}}]},
  {name = "-2+3", edits = [{recipe = {batch_size = 30}}]},
]
"""


def test_formulas_scripts_and_commands_in_names_are_inert(few: Dataset, recipe: Recipe, tmp_path: Path) -> None:
    study = ablate(parse_design(EVIL), few, recipe, out=tmp_path, seeds=2)
    for row in csv.reader(io.StringIO(to_csv(study))):
        assert not any(cell[:1] in ("=", "+", "@", "\t") for cell in row)
        assert not any(cell.startswith("-") and not _is_number(cell) for cell in row)
    markdown = to_markdown(study)
    assert "<script" not in markdown
    assert "[x](" not in markdown.replace("\\[x\\]", "")
    latex = to_latex(study)
    assert "\\input" not in latex
    assert all(line.endswith((r"\\", "}", "rule")) for line in latex.splitlines())
    assert justification_rows(study)[0].chosen == '=HYPERLINK("http://evil")'


def _is_number(text: str) -> bool:
    """One number, or several with spaces between them."""
    try:
        return all(float(part) is not None for part in text.split())
    except ValueError:
        return False


# ── What is refused ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_other_data_than_the_studys_are_refused(everything: Study, sample: Dataset) -> None:
    with pytest.raises(RunError, match=f"{everything.path.name}.* other images .*the sample.*--sample"):
        resume(everything.path, sample)


def test_a_study_of_the_first_version_is_read_and_its_source_is_a_value(tmp_path: Path) -> None:
    kept = Path(__file__).parents[2] / "docs" / "evidence" / "custom_cnn" / FILE
    shutil.copyfile(kept, tmp_path / FILE)
    old = Study.open(tmp_path)
    assert old.source == Source(kind="official")
    assert len(old.evidence(bootstrap=False)) > 10
    old.store.put("source", "--data (/home/ada/shirts)")
    assert Study.open(tmp_path).source == Source(kind="path", path=Path("/home/ada/shirts"))
    old.store.put("source", '{"kind": "nonsense"}')
    with pytest.raises(RunError, match=r"study\.sqlite is damaged"):
        Study.open(tmp_path)


def test_a_study_shows_itself_in_a_line(everything: Study) -> None:
    measured = "4 decisions with 6 alternatives, 3 seeds"
    assert repr(everything) == f"Study('tiny', recipe {everything.recipe.name}, {measured}, {everything.path})"


def test_what_is_no_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no study"):
        Study.open(tmp_path)
    (tmp_path / FILE).write_bytes(b"not a database at all, only text that goes on for a while")
    with pytest.raises(RunError, match="is not a study, or it is damaged"):
        Study.open(tmp_path)


def test_impossible_settings_are_refused_before_a_folder_is_made(
    tiny: Design, few: Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="seeds = 0"):
        ablate(tiny, few, recipe, out=tmp_path / "a", seeds=0)
    with pytest.raises(TrainingError, match="max_seeds is 3, fewer than the 5"):
        ablate(tiny, few, recipe, out=tmp_path / "a", seeds=5, max_seeds=3)
    with pytest.raises(DesignError, match="no decision 'size'"):
        ablate(tiny, few, recipe, out=tmp_path / "a", decisions=["size"])
    assert not (tmp_path / "a").exists() or not list((tmp_path / "a").rglob(FILE))
