"""What the report says is what the folder holds."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from muslin.ablation.justification import Justification, JustificationRow, Origin, save_justification
from muslin.design import Design
from muslin.design.template import start_design
from muslin.evaluation import Evaluation, compare
from muslin.recipe import Recipe, load_recipe
from muslin.reports.build import render
from muslin.reports.repeat import repetition, study_repetition
from muslin.reports.story import Story
from muslin.reports.training import Course
from muslin.reports.words import on_point
from muslin.runs.folder import RunFolder
from muslin.runs.record import RunRecord
from muslin.training.history import Epoch, History

from .conftest import CNN, HISTORY, OUTCOME, MakeRun
from .page import Page

NOTEBOOK = load_recipe("notebook")


def words(folder: RunFolder) -> str:
    return Page(render(folder)).words.replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_the_result_comes_first_with_its_interval_and_the_baseline(make_run: MakeRun) -> None:
    folder = make_run()
    test, baseline = folder.evaluation, folder.baseline
    assert test is not None
    assert baseline is not None
    assert baseline.evaluation is not None
    right = int((test.probabilities.argmax(1) == test.labels).sum())
    gain = compare(test, baseline.evaluation)
    said = words(folder)
    assert f"custom_cnn recognizes {100 * right / 500:.2f} % of 500 images" in said
    assert f"That is {gain.points:.2f} points more than dense_baseline" in said
    assert "93,962 parameters and trained for 61 s" in said
    assert f"difference is +{gain.points:.2f} points" in said
    assert f"{gain.only_first} images only custom_cnn gets right, {gain.only_second} only dense_baseline" in said


def test_the_facts_of_the_design_are_the_computed_ones(make_run: MakeRun) -> None:
    said = words(make_run())
    assert "93,962 parameters it has 7.7 % fewer than dense_baseline (101,770)" in said
    assert "A unit of conv3, the last convolution, sees 18×18 pixels: 41 % of the image" in said
    assert "conv2 18,496 19.7 % 3,612,672 48.5 % 50.2" in said


def test_reasons_that_are_still_to_be_argued_are_told_as_missing(make_run: MakeRun) -> None:
    start = start_design("mine", (28, 28, 1), 10)
    page = Page(render(make_run(start, baseline=start)))
    assert page.wrong == []
    assert "Of the 9 reasons, for the design and for each layer, 8 are still missing." in page.words
    assert page.words.count("no reason given yet") == 8
    for because in (start.because, start.layers[0].because):
        assert page.words.count(because) == 1
    assert "missing" not in words(make_run())


def test_every_claim_stands_there_with_its_verdict(make_run: MakeRun) -> None:
    folder = make_run()
    page = Page(render(folder))
    shown = [str(span["class"]) for span in page.all("span") if str(span.get("class", "")).startswith("verdict")]
    claims = Story(folder).claims
    assert shown == [f"verdict {row.verdict.replace(' ', '-')}" for row in claims]
    for row in claims:
        assert f"{row.claim.says} {row.expected} {row.found} {row.verdict}" in page.words
    assert "not measured in this run" in words(make_run(evaluated=False))


def test_every_class_stands_there_with_its_figures(make_run: MakeRun) -> None:
    folder = make_run()
    assert folder.evaluation is not None
    said = words(folder)
    for row in folder.evaluation.per_class:
        assert f"{row.name} {row.precision:.3f} {row.recall:.3f} " in said
    first = folder.evaluation.top_confusions(1)[0]
    assert f"{first.true} {first.predicted} {first.images}" in said


def test_a_leak_is_said_in_red_before_any_figure(make_run: MakeRun) -> None:
    def leak(record: RunRecord) -> RunRecord:
        audit = record.data.audit.model_copy(update={"leak": "They overlap.", "leak_allowed": True})
        return record.model_copy(update={"data": record.data.model_copy(update={"audit": audit})})

    folder = make_run(change=leak)
    html = render(folder)
    assert html.index('class="notice bad"') < html.index('class="facts"')
    assert "too good to be true. They overlap." in words(folder)
    assert "never seen" not in words(folder)
    assert "--allow-leak" in repetition(folder).command
    assert 'class="notice bad"' not in render(make_run())


def test_a_difference_within_the_luck_of_the_draw_is_called_that(make_run: MakeRun) -> None:
    folder = make_run()
    assert folder.evaluation is not None
    assert folder.baseline is not None
    folder.baseline.save_evaluation(folder.evaluation, {})
    assert "within the luck of the draw: 0.00 points" in words(folder)


@pytest.mark.parametrize(("images", "steps"), [(1_800, 42), (54_000, 1_263)])
def test_a_training_of_few_steps_is_told_before_any_figure_and_in_the_summary(
    make_run: MakeRun, images: int, steps: int
) -> None:
    def of(record: RunRecord) -> RunRecord:
        counts = {**record.data.audit.counts, "train": (images // 10,) * 10}
        audit = record.data.audit.model_copy(update={"counts": counts})
        return record.model_copy(update={"data": record.data.model_copy(update={"audit": audit})})

    folder = make_run(change=of)
    folder.figures_path.mkdir()
    (folder.figures_path / "accuracy.svg").write_text("<svg/>")
    assert Story(folder).course.steps == steps
    few = f"3 epochs of {images:,} images are only {steps} training steps. The network may be half trained, dense"
    assert words(folder).count(few) == (2 if steps < 200 else 0)
    assert ("too little training may be a good one" in words(folder)) == (steps < 200)
    assert ("Label smoothing, which teaches" in words(folder)) == (steps >= 200)
    assert (render(folder).find("Hardly trained") in range(render(folder).index('class="facts"'))) == (steps < 200)


def test_an_accuracy_that_guessing_would_reach_is_told_so(make_run: MakeRun) -> None:
    folder = make_run(baseline=None)
    assert folder.evaluation is not None
    assert "Always naming" not in words(folder)
    labels = np.where(np.arange(500) < 150, 3, folder.evaluation.labels)
    always = np.full((500, 10), 0.05, np.float32) + np.float32(0.5) * np.eye(10, dtype=np.float32)[3]
    folder.save_evaluation(replace(folder.evaluation, labels=labels, probabilities=always), {})
    guessed = 100 * (labels == 3).mean()
    assert f"Always naming the most frequent class would get {guessed:.2f} % right" in words(folder)


def test_reductions_and_the_restored_epoch_are_told() -> None:
    rates = [1e-3] * 3 + [5e-4] * 2 + [2.5e-4]
    history = History(
        Epoch(number, rate, 0.3, 0.9, 0.5 - 0.1 * (number == 4), 0.9, 1.0, 1.0)
        for number, rate in enumerate(rates, start=1)
    )
    outcome = replace(OUTCOME, epochs=6, end="early", reason="no better validation loss for 2 epochs", restored_epoch=4)
    course = Course(NOTEBOOK, history, outcome, 54_000)
    assert course.reductions == ((3, 1e-3, 5e-4), (5, 5e-4, 2.5e-4))
    assert course.kept.epoch == 4
    assert course.ending == (
        "Training stopped after 6 epochs of at most 50: no better validation loss for 2 epochs. "
        "The weights of epoch 4, which has the lowest validation loss (0.4000), were put back and are the network’s."
    )
    assert Course(load_recipe("fast"), history, None, 54_000).reductions == ()


@pytest.mark.parametrize(
    ("end", "reason", "told"),
    [
        ("finished", "all 3 epochs done", "Training went its full length of 3 epochs."),
        ("interrupted", "interrupted in epoch 4 of 50", "Training was interrupted in epoch 4 of 50."),
        ("diverged", "training stopped at step 7.", "Training stopped at step 7."),
    ],
)
def test_every_ending_is_told(end: str, reason: str, told: str) -> None:
    outcome = replace(OUTCOME, end=end, reason=reason)
    assert Course(NOTEBOOK, HISTORY, outcome, 54_000).ending == f"{told} The weights of the last step were kept."


def test_the_recipe_of_the_notebook_is_told_in_words_and_values(make_run: MakeRun) -> None:
    said = words(make_run(recipe=NOTEBOOK))
    assert "β₁ 0.9, β₂ 0.999, ε 10⁻⁷" in said
    assert "Early stopping patience 10" in said
    assert "× 0.5 of the learning rate, when the validation loss has not improved by 10⁻⁴ for 5 epochs" in said
    assert "Glorot kernels uniform within ±√(6 / (fan in + fan out))" in said
    assert "Dropout 0.5 as the design says" in said


def test_the_fast_recipe_is_told_in_words_and_values(make_run: MakeRun) -> None:
    said = words(make_run())
    assert "Muon on the kernels of all layers but the last" in said
    assert "label smoothing" in said
    assert "Dropout 0 in place of the design’s 0.5 (dropout)" in said
    assert "Augmentation mirrored each image in every other epoch" in said
    line = "falls in a straight line to zero, which would come one step after the last"
    assert f"reached after 10 % of the steps, then {line}" in said
    shifted = load_recipe("fast").with_(augmentation={"shift": 2}, schedule={"kind": "linear", "warmup": 0})
    said = words(make_run(recipe=shifted))
    assert "Augmentation shifted by up to 2 pixels along each axis, at random" in said
    assert f"0.08 {line}" in said
    assert "Learning rate of its last step" in said
    assert "Teachers" not in said


def test_teachers_are_told_of(make_run: MakeRun) -> None:
    taught = replace(OUTCOME, teachers=(0.941, 0.9393))
    said = words(make_run(recipe=load_recipe("best"), outcome=taught))
    assert "that of 2 teachers, which had 94.10 % and 93.93 % of the validation images right." in said
    assert "Teachers 2 with 2 convolutions for each of the design’s, trained for 10 epochs each, at a learning" in said
    assert "rate of 0.02, with dropout 0.2; their answers, at temperature 2" in said
    assert "make 70 % of the loss" in said
    alike = load_recipe("best").with_(distillation={"teachers": 5, "epochs": 14, "widen": 1.0})
    assert "Teachers 5 of the same design, trained for 14 epochs each;" in words(make_run(recipe=alike, outcome=taught))
    deep = {"teachers": 1, "epochs": 8, "widen": 1.5, "deepen": 2, "learning_rate": 0.02, "dropout": 0.2}
    assert (
        "Teachers 1 of 1.5 times the width and with 2 convolutions for each of the design’s, trained for 8 epochs each"
        ", at a learning rate of 0.02, with dropout 0.2; their answers"
    ) in words(make_run(recipe=load_recipe("best").with_(distillation=deep), outcome=taught))


@pytest.mark.parametrize(
    ("recipe", "option"),
    [
        (load_recipe("notebook"), "--recipe notebook --seed"),
        (load_recipe("fast").with_(epochs=2), "--recipe fast --epochs 2 --seed"),
        (load_recipe("fast").with_(batch_size=64), "--recipe recipe.toml --seed"),
        (load_recipe("fast").with_(name="mine"), "--recipe recipe.toml --seed"),
    ],
)
def test_the_command_repeats_the_recipe(make_run: MakeRun, recipe: Recipe, option: str) -> None:
    again = repetition(make_run(recipe=recipe))
    assert option in again.command
    if again.recipe is not None:
        assert Recipe.model_validate(tomllib.loads(again.recipe)) == recipe


def test_the_command_repeats_design_baseline_data_and_arithmetic(make_run: MakeRun) -> None:
    again = repetition(make_run())
    assert again.command == "muslin run custom_cnn --recipe fast --seed 0 --device cpu --precision bfloat16 --sample"
    assert not again.from_folder

    def own_data(record: RunRecord) -> RunRecord:
        audit = record.data.audit.model_copy(update={"verified": False})
        data = record.data.model_copy(update={"sample": False, "source": "MUSLIN_DATA (/my data/x)", "audit": audit})
        return record.model_copy(update={"data": data})

    edited = Design.model_validate(CNN.model_dump() | {"title": "another"})
    again = repetition(make_run(edited, baseline=None, change=own_data))
    assert again.command.startswith("muslin run design.toml --baseline none ")
    assert again.command.endswith("--data '/my data/x'")
    assert again.from_folder


def test_the_command_finds_the_data_from_any_folder(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def relative(record: RunRecord) -> RunRecord:
        audit = record.data.audit.model_copy(update={"verified": False})
        data = record.data.model_copy(update={"sample": False, "source": "--data (shirts)", "audit": audit})
        return record.model_copy(update={"data": data})

    (tmp_path / "shirts").mkdir()
    monkeypatch.chdir(tmp_path)
    assert repetition(make_run(change=relative)).command.endswith(f"--data {tmp_path / 'shirts'}")


ROW = JustificationRow("pooling", "max", "average", "", "2", "", "", "", "", "undecided", "", "undecided")
ORIGIN = Origin("", 2, 2, "float32", "--data (shirts)", False, "", "0.1.0", "")
STUDY = Justification("custom_cnn", "fast", 200, 0.2, (ROW,), (), (), ORIGIN)
MARGIN = "--margin 0.2 --precision float32"
EDITED = Design.model_validate(CNN.model_dump() | {"title": "another"})
WHOLE = tuple(
    ROW._replace(decision=each.name, alternative=one.name) for each in CNN.decisions for one in each.alternatives
)
LEFT_OUT = "pooling, 'average': left out, because it is the same."


@pytest.mark.parametrize(
    ("design", "changes", "origin", "command"),
    [
        (EDITED, {}, {}, f"design.toml --decision pooling/average --seeds 2 --recipe fast {MARGIN} --data shirts"),
        (CNN, {"rows": WHOLE}, {}, f"custom_cnn --all --seeds 2 --recipe fast {MARGIN} --data shirts"),
        (
            CNN,
            {"rows": tuple(row for row in WHOLE if row.decision != "depth")},
            {"data": "your cache (/x)", "epochs": 9},
            " ".join(["custom_cnn", *(f"--decision {one.name}" for one in CNN.decisions if one.name != "depth")])
            + f" --seeds 2 --recipe fast --epochs 9 {MARGIN}",
        ),
        (
            CNN,
            {"rows": tuple(row for row in WHOLE if row[:3] != ROW[:3]), "notes": (LEFT_OUT,)},
            {"sample": True},
            f"custom_cnn --all --seeds 2 --recipe fast {MARGIN} --sample",
        ),
        (
            CNN,
            {"rows": (ROW._replace(alternative="average, same MACs", seeds="7"),), "margin": 0.5},
            {"sample": True},
            "custom_cnn --decision pooling/average --seeds 2 --until-decided --recipe fast --margin 0.5 --precision "
            "float32 --sample",
        ),
        (CNN, {"rows": (ROW._replace(decision="colour"),)}, {}, None),
        (CNN, {"recipe": "slow"}, {}, None),
        (
            CNN,
            {"recipe": "mine"},
            {},
            f"custom_cnn --decision pooling/average --seeds 2 --recipe recipe.toml --epochs 4 {MARGIN}",
        ),
    ],
)
def test_the_command_of_a_study_repeats_what_was_measured(
    make_run: MakeRun, design: Design, changes: dict[str, object], origin: dict[str, object], command: str | None
) -> None:
    own = changes.get("recipe") == "mine"
    folder = make_run(design, load_recipe("fast").with_(name="mine", epochs=2) if own else None)
    study = replace(STUDY, origin=ORIGIN._replace(**{"epochs": load_recipe("fast").epochs} | origin), **changes)
    again = study_repetition(folder, study)
    save_justification(study, folder.evidence_path)
    if command is None:
        assert again is None
        assert "measures it again" not in words(folder)
    else:
        assert again is not None
        assert f"muslin ablate {command}" in again.command
        assert f"{again.command}{', typed in the run folder,' if design == EDITED else ''} measures it" in words(folder)


def test_the_files_of_the_folder_are_listed(make_run: MakeRun) -> None:
    folder = make_run()
    (folder.path / "fashion_mnist_cnn_custom.h5").write_bytes(b"x" * 1234)
    said = words(folder)
    assert "fashion_mnist_cnn_custom.h5 1.2 kB" in said
    assert "baseline/" in said
    assert "model.onnx" not in said


def test_the_difference_is_a_share_up_to_double_and_a_factor_beyond(make_run: MakeRun) -> None:
    lines = {
        line.name: line.difference.replace("\N{NARROW NO-BREAK SPACE}", " ") for line in Story(make_run()).comparison
    }
    assert lines["Parameters"] == "−7.7 %"
    assert lines["Multiply-accumulates per image"] == "× 73.3"
    assert lines["Epochs"] == "the same"
    assert lines["Test accuracy"].endswith(" points")


@pytest.mark.parametrize(
    ("text", "whole"), [("93,962", "93,962"), ("−7.7 %", "−7"), ("× 73.3", "× 73"), ("the same", ""), ("0.29", "0")]
)
def test_numbers_are_cut_before_the_point(text: str, whole: str) -> None:
    assert str(on_point(text)) == f'{whole}<span class="rest">{text[len(whole) :]}</span>'


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (
            [0, 0, 0, 0, 0, 0],
            (
                "2 times, 100.0 % of that class; another is as frequent.",
                "no mistake will be more frequent than taking the first for the second",
                "zero is found most surely (100.0 %), one and two least (0.0 %)",
            ),
        ),
        (
            [0, 0, 0, 0, 2, 0],
            (
                "2 times, 100.0 % of that class. The 2 most frequent mistakes",
                "no mistake will be as frequent as taking the first for the second",
                "zero is found most surely (100.0 %), one least (0.0 %)",
            ),
        ),
        ([1, 0, 2, 1, 0, 2], ("; 2 others are as frequent.", "All classes are found equally surely (50.0 %)")),
    ],
)
def test_what_is_equal_is_not_told_apart(make_run: MakeRun, answers: list[int], told: tuple[str, ...]) -> None:
    folder = make_run(baseline=None)
    names = ("zero", "one", "two", *"3456789")
    labels, given = np.array([0, 0, 1, 1, 2, 2]), np.eye(10, dtype=np.float32)[answers]
    evaluation = Evaluation(labels, given, names)
    folder.save_record(
        folder.record.model_copy(update={"data": folder.record.data.model_copy(update={"class_names": names})})
    )
    folder.save_evaluation(evaluation, {})
    figures = folder.figures_path
    figures.mkdir()
    (figures / "sample_grid.svg").write_text("<svg/>")
    said = words(folder)
    assert [each for each in told if each not in said] == []


def test_the_hardest_class_has_the_lowest_recall(make_run: MakeRun) -> None:
    story = Story(make_run())
    assert story.evaluation is not None
    recalls = [row.recall for row in story.by_recall]
    assert recalls == sorted(recalls)
    matrix = story.evaluation.confusion
    assert recalls[0] == pytest.approx(min(np.diag(matrix) / matrix.sum(axis=1)))
