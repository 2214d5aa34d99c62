"""What the report says is what the folder holds."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.page import Page
from muslin.ablation.justification import Justification, JustificationRow, Origin, save_justification
from muslin.data.source import Source
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
    lead = said[: said.index("Contents")]
    assert f"{100 * right / 500:.2f}% of 500" in lead
    assert f"{gain.points:.2f} points better than dense_baseline" in lead
    assert "93,962 parameters" in lead
    assert "61 s" in lead
    assert f"+{gain.points:.2f} points" in said
    assert f"custom_cnn is correct on {gain.only_first} images, only dense_baseline on {gain.only_second}" in said


def test_the_facts_of_the_design_are_the_computed_ones(make_run: MakeRun) -> None:
    said = words(make_run())
    assert "7.7% fewer than dense_baseline (101,770)" in said
    assert "conv3, the last convolution, sees 18×18 pixels, which is 41% of the image" in said
    assert "conv2 18,496 19.7% 3,612,672 48.5% 50.2" in said


def test_reasons_that_are_still_to_be_argued_are_told_as_missing(make_run: MakeRun) -> None:
    start = start_design("mine", (28, 28, 1), 10)
    page = Page(render(make_run(start, baseline=start)))
    assert page.wrong == []
    assert "8 of 9 reasons are missing" in page.words
    assert page.words.count("no reason given") == 8
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
    assert "were not measured" in words(make_run(evaluated=False))


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
    assert words(folder).count("They overlap.") == 2
    assert "unseen" not in words(folder)
    assert "--allow-leak" in repetition(folder).command
    assert 'class="notice bad"' not in render(make_run())


def test_a_difference_whose_interval_covers_zero_is_not_significant(make_run: MakeRun) -> None:
    folder = make_run()
    assert folder.evaluation is not None
    assert folder.baseline is not None
    folder.baseline.save_evaluation(folder.evaluation, {})
    assert "is not significant: 0.00 points" in words(folder)


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
    (folder.figures_path / "accuracy.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert Story(folder).course.steps == steps
    said = words(folder)
    assert said.count(f"only {steps} training steps") == (2 if steps < 200 else 0)
    assert said.count("15 epochs (--epochs 15)") == (2 if steps < 200 else 0)  # 14 steps an epoch: 15 give 210
    assert ("too little training may" in said) == (steps < 200)
    assert ("Label smoothing lowers" in said) == (steps >= 200)
    first = said.find("Too few training steps")
    assert (first in range(said.index("Contents"))) == (steps < 200)


def test_an_accuracy_that_guessing_would_reach_is_told_so(make_run: MakeRun) -> None:
    folder = make_run(baseline=None)
    assert folder.evaluation is not None
    assert "most frequent class" not in words(folder)
    labels = np.where(np.arange(500) < 150, 3, folder.evaluation.labels)
    always = np.full((500, 10), 0.05, np.float32) + np.float32(0.5) * np.eye(10, dtype=np.float32)[3]
    folder.save_evaluation(replace(folder.evaluation, labels=labels, probabilities=always), {})
    guessed = 100 * (labels == 3).mean()
    assert f"the most frequent class would reach {guessed:.2f}%" in words(folder)


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
    assert "6 of at most 50 epochs: no better validation loss for 2 epochs" in course.ending
    assert "epoch 4, which has the lowest validation loss (0.4000)" in course.ending
    assert Course(load_recipe("fast"), history, None, 54_000).reductions == ()


@pytest.mark.parametrize(
    ("end", "reason", "told"),
    [
        ("finished", "all 3 epochs done", "after 3 epochs. "),
        ("interrupted", "interrupted in epoch 4 of 50", "interrupted in epoch 4 of 50. "),
        ("diverged", "training stopped at step 7.", "stopped at step 7. "),
    ],
)
def test_every_ending_is_told(end: str, reason: str, told: str) -> None:
    outcome = replace(OUTCOME, end=end, reason=reason)
    assert told in Course(NOTEBOOK, HISTORY, outcome, 54_000).ending


def test_the_recipe_of_the_notebook_is_told_in_words_and_values(make_run: MakeRun) -> None:
    said = words(make_run(recipe=NOTEBOOK))
    assert "β₁ 0.9, β₂ 0.999, ε 10⁻⁷" in said
    assert "Early stopping patience 10" in said
    assert "× 0.5 multiplies the learning rate when the validation loss has not improved by 10⁻⁴ for 5 epochs" in said
    assert "Glorot kernels uniform within ±√(6 / (fan-in + fan-out))" in said
    assert "Dropout 0.5 the design’s" in said


def test_the_fast_recipe_is_told_in_words_and_values(make_run: MakeRun) -> None:
    said = words(make_run())
    assert "Muon for the kernels of all layers but the last" in said
    assert "label smoothing" in said
    assert "Dropout 0 replaces the design’s 0.5 (dropout)" in said
    assert "Augmentation horizontal flip each image in every other epoch" in said
    assert "Learning rate 0.08 linear warmup over 10% of the steps, then linear decay" in said
    shifted = load_recipe("fast").with_(augmentation={"shift": 2}, schedule={"kind": "linear", "warmup": 0})
    said = words(make_run(recipe=shifted))
    assert "Augmentation random shift by at most 2 pixels along each axis" in said
    assert "Learning rate 0.08 linear decay" in said
    assert "Teachers" not in said


def test_the_reasons_of_a_recipe_are_for_its_own_number_of_epochs(make_run: MakeRun) -> None:
    assert "is meant for" not in words(make_run())
    said = words(make_run(recipe=load_recipe("fast").with_(epochs=100)))
    assert "The recipe fast is meant for 4 epochs; this run was given 100." in said


def test_the_figure_of_errors_is_left_out_where_there_are_none(make_run: MakeRun) -> None:
    folder = make_run()
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9"/></svg>'
    folder.figures_path.mkdir(exist_ok=True)
    (folder.figures_path / "confidently_wrong.svg").write_text(drawing)
    assert "The most confident errors" in words(folder)
    test = folder.evaluation
    assert test is not None
    right = Evaluation(test.labels, np.eye(10, dtype=np.float32)[test.labels], test.class_names)
    folder.save_evaluation(right, {"test": right.summary()})
    said = words(RunFolder.open(folder.path))
    assert "The network classifies every image correctly." in said
    assert "The most confident errors" not in said


def test_teachers_are_told_of(make_run: MakeRun) -> None:
    taught = replace(OUTCOME, teachers=(0.941, 0.9393))
    said = words(make_run(recipe=load_recipe("best"), outcome=taught))
    assert "2 teachers, whose validation accuracies are 94.10% and 93.93%." in said
    assert "Teachers 2 2 convolutions for each of the design’s; 10 epochs each, learning rate 0.02, dropout 0.2" in said
    assert "temperature 2, make up 70% of the loss" in said
    alike = load_recipe("best").with_(distillation={"teachers": 5, "epochs": 14, "widen": 1.0})
    assert "Teachers 5 the same design; 14 epochs each;" in words(make_run(recipe=alike, outcome=taught))
    deep = {"teachers": 1, "epochs": 8, "widen": 1.5, "deepen": 2, "learning_rate": 0.02, "dropout": 0.2}
    said = words(make_run(recipe=load_recipe("best").with_(distillation=deep), outcome=taught))
    assert "Teachers 1 1.5 times the width and 2 convolutions for each of the design’s; 8 epochs each" in said


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
        place = Source(kind="environment", path=Path("/my data/x"))
        data = record.data.model_copy(update={"sample": False, "source": place, "audit": audit})
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
        place = Source(kind="path", path=Path("shirts"))
        data = record.data.model_copy(update={"sample": False, "source": place, "audit": audit})
        return record.model_copy(update={"data": data})

    (tmp_path / "shirts").mkdir()
    monkeypatch.chdir(tmp_path)
    assert repetition(make_run(change=relative)).command.endswith(f"--data {tmp_path / 'shirts'}")


ROW = JustificationRow("pooling", "max", "average", "", "2", "", "", "", "", "undecided", "", "undecided")
SHIRTS = Source(kind="path", path=Path("shirts"))
ORIGIN = Origin("", 2, 2, "float32", SHIRTS, False, "", "0.1.0", "")
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
            {"data": Source(kind="cache", path=Path("/x")), "epochs": 9},
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
        assert "muslin ablate" not in words(folder)
    else:
        assert again is not None
        assert f"muslin ablate {command}" in again.command
        assert again.from_folder == (design == EDITED)
        assert f"{again.command}{' in the run folder' if again.from_folder else ''}" in words(folder)


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
    assert lines["Parameters"] == "−7.7%"
    assert lines["Multiply-accumulates per image"] == "× 73.3"
    assert lines["Epochs"] == "equal"
    assert lines["Test accuracy"].endswith(" points")


@pytest.mark.parametrize(
    ("text", "whole"), [("93,962", "93,962"), ("−7.7%", "−7"), ("× 73.3", "× 73"), ("equal", ""), ("0.29", "0")]
)
def test_numbers_are_cut_before_the_point(text: str, whole: str) -> None:
    assert str(on_point(text)) == f'{whole}<span class="rest">{text[len(whole) :]}</span>'


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (
            [0, 0, 0, 0, 0, 0],
            (
                "2 images, 100.0% of that class. Another confusion is equally frequent.",
                "one of the network’s most frequent confusions",
                "zero has the highest recall (100.0%), one and two the lowest (0.0%)",
            ),
        ),
        (
            [0, 0, 0, 0, 2, 0],
            (
                "2 images, 100.0% of that class. The 2 most frequent confusions",
                "the network’s most frequent confusion on",
                "zero has the highest recall (100.0%), one the lowest (0.0%)",
            ),
        ),
        ([1, 0, 2, 1, 0, 2], (" 2 other confusions are equally frequent.", "All classes have the same recall (50.0%)")),
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
    (figures / "sample_grid.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    said = words(folder)
    assert [each for each in told if each not in said] == []


def test_the_hardest_class_has_the_lowest_recall(make_run: MakeRun) -> None:
    story = Story(make_run())
    assert story.evaluation is not None
    recalls = [row.recall for row in story.by_recall]
    assert recalls == sorted(recalls)
    matrix = story.evaluation.confusion
    assert recalls[0] == pytest.approx(min(np.diag(matrix) / matrix.sum(axis=1)))


def test_the_claims_of_a_shipped_design_are_said_to_be_its_authors(make_run: MakeRun) -> None:
    assert "notebook author who designed custom_cnn, not of Muslin" in words(make_run())
    own = Design.model_validate(CNN.model_dump() | {"title": "another"})
    assert "claims of the design’s author" in words(make_run(own))
