"""`muslin run` and its sisters, as a person runs them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from helpers.shell import muslin
from muslin.data import Dataset
from muslin.design import load_design
from muslin.errors import DivergedError, RunError
from muslin.recipe import load_recipe
from muslin.runs.folder import RunFolder
from muslin.training.callbacks import Callback
from muslin.training.state import Training
from muslin.workflow.train import train
from muslin.workflow.trained_run import Run


@pytest.fixture(scope="session")
def run(workshop: Path) -> Run:
    return Run.open(workshop / "runs" / "latest")


def test_the_answer_goes_to_stdout_and_progress_to_stderr(workshop: Path) -> None:
    answer, progress = (workshop / "stdout.txt").read_text(), (workshop / "stderr.txt").read_text()
    assert re.search(r"Test accuracy \d+\.\d\d% \[\d+\.\d\d–\d+\.\d\d%\], loss \d\.\d+, 754 parameters", answer)
    assert "dense_baseline: " in answer
    assert "2 claims of the design's author: 1 hold, 1 do not" in answer
    assert "does not hold: It is perfect. Measured: " in answer
    assert len(re.findall(r"^  epoch", progress, re.MULTILINE)) == 4  # two of the design, two of the baseline
    assert "epoch" not in answer
    assert "Traceback" not in progress
    assert "Warning" not in progress


def test_the_run_folder_is_complete(run: Run) -> None:
    names = {str(path.relative_to(run.folder.path)) for path in run.folder.path.rglob("*") if path.is_file()}
    trained = {
        "run.json",
        "design.toml",
        "history.csv",
        "model.safetensors",
        "evaluation.json",
        "predictions.safetensors",
    }
    assert {*trained, *(f"baseline/{name}" for name in trained)} < names
    assert {"report.html", "model.onnx", "model.keras", "model.h5"} < names
    figures = {name.removeprefix("figures/").removesuffix(".svg") for name in names if name.endswith(".svg")}
    assert figures == {
        "accuracy",
        "architecture",
        "class_activation_maps",
        "confidently_wrong",
        "confusion_matrix",
        "feature_maps",
        "filter_responses",
        "filters",
        "per_class",
        "reliability",
        "sample_grid",
        "training_curves",
    }
    assert not [name for name in names if "torn" in name]


def test_what_was_stored_is_what_the_weights_answer(run: Run, sample: Dataset) -> None:
    stored, fresh = run.folder.evaluation, run.evaluate(sample.test)
    assert stored is not None
    np.testing.assert_allclose(stored.probabilities, fresh.probabilities, atol=1e-6)
    assert run.folder.measured is not None
    assert run.folder.measured["test"]["accuracy"] == stored.accuracy
    validation = run.evaluate(sample.validation)
    assert run.folder.measured["validation"]["accuracy"] == pytest.approx(validation.accuracy, abs=1e-6)


def test_the_exported_network_answers_the_same(run: Run, sample: Dataset) -> None:
    images = sample.test.images[:20]
    session = onnxruntime.InferenceSession(str(run.folder.export_path("onnx")))
    (found,) = session.run(["probabilities"], {"image": images.astype(np.float32) / 255})
    np.testing.assert_allclose(found, run.predict(images), atol=1e-5)


def test_it_can_be_repeated_from_its_folder(run: Run, sample: Dataset, tmp_path: Path) -> None:
    record = run.record
    again = train(run.design, sample, record.recipe, seed=record.seed, out=tmp_path)
    assert again.record.data.fingerprint == record.data.fingerprint
    ours, theirs = run.weights, again.weights
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_claims_and_report_come_from_the_folder_alone(run: Run) -> None:
    verdicts = {row.claim.says: row.verdict for row in run.claims()}
    assert verdicts == {"It is small.": "holds", "It is perfect.": "does not hold"}
    assert "does not hold" in run.folder.report_path.read_text()


def test_evaluate_opens_the_test_split_once(workshop: Path) -> None:
    done = muslin("evaluate", "runs/latest", "--json", cwd=workshop)
    assert done.returncode == 0
    assert "opened before" in done.stderr
    assert json.loads(done.stdout)["test"]["accuracy"] > 0.1


def test_train_leaves_the_test_split_closed_and_evaluate_opens_it(workshop: Path, tmp_path: Path) -> None:
    design = str(workshop / "small.toml")
    trained = muslin("train", design, "--sample", "--epochs", "1", "--json", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    answer = json.loads(trained.stdout)
    assert answer["outcome"]["epochs"] == 1
    folder = Path(answer["folder"])
    assert not (folder / "evaluation.json").exists()
    opened = muslin("evaluate", cwd=tmp_path)  # the latest run; it knows that it was trained on the sample
    assert opened.returncode == 0, opened.stderr
    assert "Test accuracy" in opened.stdout
    assert (folder / "evaluation.json").exists()


def test_runs_stand_side_by_side(workshop: Path) -> None:
    done = muslin("compare", "--json", cwd=workshop)
    (row,) = json.loads(done.stdout)
    assert (row["design"], row["recipe"], row["seed"], row["parameters"]) == ("small", "fast", 1, 754)
    table = muslin("compare", "runs/latest", "runs/latest/baseline", cwd=workshop)
    assert table.returncode == 0
    assert "101,770" in table.stdout


def test_a_damaged_run_does_not_hide_the_others(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = (workshop / "runs" / "latest").resolve()
    shutil.copytree(good, tmp_path / "bad")
    (tmp_path / "bad" / "history.csv").write_text("")
    monkeypatch.setenv("COLUMNS", "40")
    done = muslin("compare", str(good), "bad", cwd=tmp_path)
    assert done.returncode == 0
    assert "754" in done.stdout
    assert "…" not in done.stdout  # numbers run over, and are not cut
    assert "Left out:" in done.stderr
    assert "history.csv is empty" in done.stderr
    assert muslin("compare", "bad", cwd=tmp_path).returncode == 1


def test_what_is_missing_of_an_evaluation_is_measured_again(workshop: Path, tmp_path: Path) -> None:
    shutil.copytree(workshop / "runs" / "latest", tmp_path / "copy")
    (tmp_path / "copy" / "evaluation.json").unlink()
    done = muslin("evaluate", "copy", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["test"]["accuracy"] > 0.1


def test_evaluating_on_other_images_is_refused(run: Run, sample: Dataset, tmp_path: Path) -> None:
    fresh = train(run.design, sample, load_recipe("fast").with_(epochs=1), out=tmp_path)
    other = replace(sample, test=sample.test.subset(np.arange(100)))
    with pytest.raises(RunError, match="was trained on other images"):
        fresh.open_test(other)


def test_a_diverged_training_keeps_the_last_good_weights_and_says_where(sample: Dataset, tmp_path: Path) -> None:
    class Poison(Callback):
        def on_step(self, training: Training) -> None:
            if training.step == 2:
                training.network.layer("output").bias.register_hook(lambda gradient: gradient * float("inf"))

    with pytest.raises(DivergedError, match=r"step 3 of .*output\.bias.* The run is in ") as raised:
        train(
            load_design("dense_baseline"),
            sample,
            load_recipe("fast").with_(epochs=1),
            out=tmp_path,
            callbacks=[Poison()],
        )
    run = Run.open(str(raised.value).rsplit(" in ", 1)[1].rstrip("."))
    assert run.record.outcome is not None
    assert run.record.outcome.end == "diverged"
    assert all(np.isfinite(array).all() for array in run.weights.values())


@pytest.mark.parametrize("rate", [1e39, 1e20], ids=["weights", "validation"])
def test_a_training_without_one_good_set_of_weights_is_on_record_as_diverged(
    sample: Dataset, tmp_path: Path, rate: float
) -> None:
    one_step = load_recipe("notebook").with_(
        epochs=2, batch_size=4096, optimizer={"kind": "adam", "learning_rate": rate}
    )
    with pytest.raises(DivergedError, match=r"after step 1 of 2: .* No usable weights remain\. .* The run"):
        train(load_design("dense_baseline"), sample, one_step, out=tmp_path)
    folder = RunFolder.open(tmp_path / "latest")
    assert folder.record.outcome is not None
    assert (folder.record.outcome.end, len(folder.history)) == ("diverged", 0)
    assert not folder.weights_path.exists()
    with pytest.raises(DivergedError, match="resuming would diverge again: training stopped after step 1 of 2"):
        train(load_design("dense_baseline"), sample, one_step, resume=folder.path)


def test_ctrl_c_ends_cleanly_with_130_and_the_best_weights(workshop: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "muslin", "train", str(workshop / "small.toml"), "--sample", "--epochs", "5000"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("epoch" in line for line in process.stderr)
        os.kill(process.pid, signal.SIGINT)
        answer, progress = process.communicate(timeout=60)
    assert process.returncode == 130, progress
    assert "Traceback" not in progress
    assert "interrupted in epoch" in answer
    outcome = Run.open(tmp_path / "runs" / "latest").record.outcome
    assert outcome is not None
    assert outcome.end == "interrupted"
    assert outcome.restored_epoch is not None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "--recipe", "nope"], "no recipe 'nope'"),
        (["train", "--epochs", "-1"], "epochs = -1"),
        (["run", "nowhere.toml"], "no design 'nowhere.toml'"),
        (["run", "--device", "abacus", "--sample"], "device 'abacus' is not available"),
        (["run", "--baseline", "nowhere", "--sample"], "no design 'nowhere'"),
        (["evaluate", "nowhere"], "run folder 'nowhere' does not exist"),
        (["compare"], "no runs yet in"),
    ],
)
@pytest.mark.long
def test_an_ordinary_mistake_gets_one_paragraph(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = muslin(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") <= 3
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("runs/*/model.safetensors"))


def test_corrupted_weights_are_refused(workshop: Path, tmp_path: Path) -> None:
    shutil.copytree(workshop / "runs" / "latest", tmp_path / "copy")
    weights = tmp_path / "copy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    (tmp_path / "copy" / "predictions.safetensors").unlink()
    done = muslin("evaluate", "copy", cwd=tmp_path)
    assert done.returncode == 1
    assert "model.safetensors" in done.stderr
    assert "Traceback" not in done.stderr
