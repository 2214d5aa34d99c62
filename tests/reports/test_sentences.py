"""The sentences of the report, in full: tests/golden/report.txt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from helpers import golden
from helpers.page import Page
from helpers.studies import study
from muslin.design import Design, parse_design
from muslin.recipe import load_recipe
from muslin.reports.build import render
from muslin.reports.training import Course, settings
from muslin.runs.folder import RunFolder
from muslin.runs.record import Environment, RunRecord

from .conftest import CNN, HISTORY, OUTCOME, MakeRun

DESIGN = parse_design("""
    name = "small"
    title = "A small network"
    because = "It is small."
    baseline = "dense"
    input_shape = [28, 28, 1]
    [[layers]]
    kind = "conv2d"
    name = "conv"
    filters = 4
    kernel = 5
    because = "It finds edges."
    [[layers]]
    kind = "global_avg_pool2d"
    name = "pool"
    [[layers]]
    kind = "dense"
    name = "out"
    units = 10
    activation = "softmax"
    because = "One score for each class."
    [[claims]]
    says = "It has 154 parameters."
    measure = "parameters"
    equals = 154
    [[claims]]
    says = "It reaches 99%."
    measure = "test_accuracy"
    at_least = 99
""")
BASELINE = parse_design("""
    name = "dense"
    because = "It has no convolution."
    input_shape = [28, 28, 1]
    layers = [{ kind = "flatten", name = "flat" }, { kind = "dense", name = "out", units = 10, activation = "softmax" }]
""")
ENVIRONMENT = Environment(muslin="0.1.0", python="3.11", torch="2.9", system="Linux", processor="a processor")
FAST = load_recipe("fast").with_(because="It is fast.")
FIGURES = (
    *("sample_grid", "architecture", "training_curves", "accuracy", "confusion_matrix", "per_class", "reliability"),
    *("confidently_wrong", "filters", "filter_responses", "feature_maps", "class_activation_maps"),
)

Change = Callable[[RunRecord], RunRecord]


def anywhere(record: RunRecord) -> RunRecord:
    """The record as it would be on any machine, at one moment."""
    return record.model_copy(update={"environment": ENVIRONMENT, "created": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)})


def with_images(images: int) -> Change:
    """Change the number of training images on record."""

    def change(record: RunRecord) -> RunRecord:
        audit = record.data.audit
        counts = {**audit.counts, "train": (images // 10,) * 10}
        data = record.data.model_copy(update={"audit": audit.model_copy(update={"counts": counts}), "sample": False})
        return anywhere(record.model_copy(update={"data": data}))

    return change


def leaking(record: RunRecord) -> RunRecord:
    audit = record.data.audit.model_copy(
        update={"leak": "5 test images are also training images.", "leak_allowed": True}
    )
    return anywhere(record.model_copy(update={"data": record.data.model_copy(update={"audit": audit})}))


def sentences(folder: RunFolder, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The report's texts, without those already known and without repetitions."""
    folder.figures_path.mkdir(exist_ok=True)
    for name in FIGURES:
        (folder.figures_path / f"{name}.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    texts = dict.fromkeys(Page(render(folder)).texts)
    return tuple(text for text in texts if text not in known and folder.name not in text)


def test_the_sentences_of_the_report(make_run: MakeRun, tmp_path: Path) -> None:
    def make(name: str, design: Design = DESIGN, **how: object) -> RunFolder:
        folder = make_run(design, FAST, **{"baseline": BASELINE, "change": with_images(54_000)} | how)
        return RunFolder.open(folder.path.rename(tmp_path / f"run-{name}"))

    whole = sentences(make("whole"))
    told = {"a run with its baseline": whole}
    told["a run on the sample"] = sentences(make("sample", change=anywhere), whole)
    told["a run that was not evaluated"] = sentences(make("closed", evaluated=False), whole)
    told["a run without a baseline"] = sentences(make("alone", baseline=None), whole)
    told["a design without a convolution"] = sentences(make("dense", BASELINE, baseline=None), whole)
    told["a run that was interrupted"] = sentences(make("interrupted", outcome=None), whole)
    told["a run with leaked test images"] = sentences(make("leak", change=leaking), whole)
    studied = make("studied")
    study(studied.evidence_path, DESIGN)
    told["a run with a study"] = sentences(studied, whole)
    golden.compare("report", {heading: "\n".join(texts) for heading, texts in told.items()})


def test_the_sentences_about_a_training() -> None:
    outcomes = {
        "finished": OUTCOME,
        "stopped early": replace(
            OUTCOME, end="early", reason="no better validation loss for 2 epochs", restored_epoch=2
        ),
        "interrupted": replace(OUTCOME, end="interrupted", reason="interrupted in epoch 4 of 50"),
        "diverged": replace(OUTCOME, end="diverged", reason="training stopped at step 7"),
        "without an end": None,
    }
    notebook = load_recipe("notebook")
    endings = {end: Course(notebook, HISTORY, outcome, 54_000).ending for end, outcome in outcomes.items()}
    recipes = {
        name: "\n".join(f"{row.name}: {row.value}. {row.meaning}" for row in settings(load_recipe(name), CNN))
        for name in ("fast", "notebook", "best")
    }
    golden.compare("training", {f"end: {end}": text for end, text in endings.items()} | recipes)
