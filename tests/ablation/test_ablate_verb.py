"""`muslin ablate` from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from muslin.cli import main
from muslin.design import Design, format_design

QUICK = ("--sample", "--epochs", "1", "--workers", "1", "--recipe", "notebook")


@pytest.fixture
def design(tiny: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The tiny design as a file in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(format_design(tiny))
    return "tiny.toml"


def run(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> tuple[str, str]:
    with pytest.raises(SystemExit) as exit_:
        main(["ablate", *arguments])
    out, err = capsys.readouterr()
    assert exit_.value.code == status, err
    return out, err


def test_a_study_ends_with_a_verdict_for_each_alternative_and_files_beside_it(
    capsys: pytest.CaptureFixture[str], design: str
) -> None:
    out, err = run(capsys, design, *QUICK, "--decision", "activation", "--seeds", "2")
    assert "activation: ReLU" in out
    assert "tanh" in out
    assert "4/4 trials" in err
    (folder,) = Path("studies").iterdir()
    assert f"muslin ablate --resume {folder}" in err
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("study.sqlite", "workers.log", "table.csv", "table.md", "table.tex", "trials.csv", "shifts.csv"),
        *("forest.svg", "forest.png", "justification.json"),
    }


def test_json_and_resume_with_another_decision(capsys: pytest.CaptureFixture[str], design: str) -> None:
    run(capsys, design, *QUICK, "--decision", "activation", "--seeds", "2", "-q")
    (folder,) = Path("studies").iterdir()
    out, err = run(
        capsys, "--resume", str(folder), "--workers", "1", "--decision", "pooling/average", "--margin", "90", "--json"
    )
    answer = json.loads(out)
    assert [row["alternative"] for row in answer["decisions"]] == ["average"]
    assert answer["decisions"][0]["verdict"] in ("equivalent", "supported by cost", "costs more for nothing")
    assert "2/2 trials" in err  # the choice's trials were there
    assert len(answer["shifts"]) == 2


def test_going_on_can_be_tried_dry_and_takes_nothing_that_is_not_the_studys(
    capsys: pytest.CaptureFixture[str], design: str
) -> None:
    out, _ = run(capsys, design, *QUICK, "--decision", "activation", "--seeds", "2")
    assert "intervals are 95% (paired t)" in " ".join(out.split())
    assert "the same validation images" in " ".join(out.split())
    (folder,) = Path("studies").iterdir()
    going_on = ("--resume", str(folder), "--workers", "1", "--seeds", "3")
    out, _ = run(capsys, *going_on, "--dry-run")
    assert "2 trials: 2 arms × 3 seeds, 4 of them done, 1 at a time" in out
    _, err = run(capsys, *going_on, "--epochs", "2", status=1)
    assert "the recipe 'notebook' in 1 epoch. Leave design and recipe out" in " ".join(err.split())
    run(capsys, *going_on, "dense_baseline", status=1)
    _, err = run(capsys, *going_on, "--decision", "nosuch", status=1)
    assert "states no decision 'nosuch'" in " ".join(err.split())
    out, err = run(capsys, *going_on, *QUICK, design)
    assert "2/2 trials" in err  # nothing of the above changed the study
    assert "95% over all looks together" in " ".join(out.split())


def test_pairs_are_told_beyond_the_sum(capsys: pytest.CaptureFixture[str], design: str) -> None:
    out, _ = run(capsys, design, *QUICK, "--pairs", "pooling/average,activation", "--seeds", "2", "-q")
    assert "pooling: average + activation: tanh" in out


def test_a_dry_run_trains_nothing_and_tells_trials_time_and_what_can_be_found(
    capsys: pytest.CaptureFixture[str], design: str
) -> None:
    out, _ = run(capsys, design, *QUICK, "--all", "--seeds", "4", "--dry-run", "--match", "none")
    assert "28 trials: 7 arms × 4 seeds, 1 at a time: about" in out
    assert "nan" not in out  # one of the arms diverges in its first step
    assert "With 4 seeds this study has 80% power to detect 3.30 points" in " ".join(out.split())
    assert "variation is 1.1 points, as is usual with 200 validation images" in " ".join(out.split())
    assert not Path("studies").exists()
    machine, _ = run(capsys, design, *QUICK, "--decision", "pooling", "--dry-run", "--json")
    found = json.loads(machine)
    assert (found["trials"], found["workers"]) == (15, 1)
    assert len(found["arms"]) == 3


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--all", "--decision", "pooling"], 2, "--all and --decision exclude each other"),
        (["--pairs", "pooling"], 2, "'pooling' has no comma"),
        (["--max-seeds", "9"], 2, "--max-seeds needs --until-decided"),
        (["--sample", "--decision", "poling"], 1, "states no decision 'poling'. Did you mean 'pooling'?"),
        (["--resume", "nowhere"], 1, "there is no study at nowhere"),
        (["--until-decided", "--max-seeds", "3", "--sample"], 1, "max_seeds is 3, fewer than the 5 initial seeds"),
        (["--address", "auto", "--sample"], 2, "it needs --executor ray"),
    ],
)
def test_wrong_usage_is_explained(
    capsys: pytest.CaptureFixture[str], design: str, arguments: list[str], status: int, message: str
) -> None:
    first = [] if "--resume" in arguments else [design]
    _, err = run(capsys, *first, *arguments, status=status)
    assert message in " ".join(err.split())
