"""Everything in one go: train a design and its baseline, evaluate, draw, check the claims, export, report."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from muslin._interruption import going_on_with
from muslin.ablation.justification import STUDIES, copy_evidence, find_study
from muslin.data import Dataset
from muslin.design import Design
from muslin.engine.machine import pick_device, pick_precision
from muslin.evaluation.claims import require_measurable
from muslin.exports import FormatName
from muslin.recipe import Recipe
from muslin.runs.folder import RUNS, RunFolder
from muslin.training.callbacks import Callback
from muslin.training.fit import check_fit
from muslin.workflow.illustrate import illustrate
from muslin.workflow.train import drop_leftovers, is_trained, new_record, require_same_start, train_into
from muslin.workflow.trained_run import Run

VERIFIED_IMAGES = 250  # of the test split, on which every export is held against the network
_EXPORTED: tuple[FormatName, ...] = ("onnx", "keras", "h5")


def _nothing(_text: str) -> None:
    pass


@dataclass(frozen=True)
class Settings:
    """How to go about a whole run.

    Attributes:
        seed: for the design and for the baseline.
        out: the folder that the run folder is made in.
        device: as `muslin.train` takes it.
        precision: as `muslin.train` takes it.
        say: told what is being done, a line at a time.
        resume: a run to finish: its folder, or "latest"; None to begin a new one.
        watch: gives the callbacks for the training called by its argument ("custom_cnn", "dense_baseline").
    """

    seed: int = 0
    out: Path = RUNS
    device: str | None = None
    precision: str | None = None
    resume: str | Path | None = None
    say: Callable[[str], None] = _nothing
    watch: Callable[[str], Sequence[Callback]] = field(default=lambda _name: ())


def run_everything(
    design: Design, data: Dataset, recipe: Recipe, baseline: Design | None, settings: Settings | None = None
) -> Run:
    """Do all that `muslin run` does, or what is missing of it, and return the run with its report written.

    Args:
        design: what to train.
        data: the images; the test split is opened once training is over.
        recipe: how the design and the baseline are trained.
        baseline: what to compare with, or None.
        settings: the rest.

    Raises:
        MuslinError: whatever goes wrong, explained.
    """
    settings = settings or Settings()
    for part in (design, baseline):
        if part is not None:
            check_fit(part, data, recipe)
    require_measurable(design)
    pick_precision(pick_device(settings.device), settings.precision)
    record = new_record(design, data, recipe, settings.seed)
    if settings.resume is None:
        run = Run(RunFolder.create(record, design, settings.out))
    else:
        run = Run(RunFolder.open(settings.resume))
        require_same_start(run.folder, record, design)
    go_on = f"muslin run --resume {shlex.quote(str(run.folder.path))}"
    with run.folder.at_work(), going_on_with(go_on):
        _finish(run, data, baseline, settings)
    return run


def _finish(run: Run, data: Dataset, baseline: Design | None, settings: Settings) -> None:
    """Do what is missing of a run."""
    record = run.record
    if not is_trained(run.folder):
        settings.say(
            f"Training {run.design.name} with recipe '{record.recipe.name}', seed {record.seed}, in {run.folder.path}"
        )
        _train(run.folder, data, settings)
    else:
        drop_leftovers(run.folder)
    if _interrupted(run):
        settings.say("Interrupted: the best weights so far are kept; nothing was tested, drawn or exported.")
        return
    if baseline is not None:
        folder = _baseline_folder(run, data, baseline)
        if not is_trained(folder):
            settings.say(f"Training the baseline {baseline.name} the same way")
            _train(folder, data, settings)
        if _interrupted(Run(folder)):
            settings.say("Interrupted while training the baseline; nothing was tested, drawn or exported.")
            return
    unopened = [part for part in (run.folder, run.folder.baseline) if part is not None and part.evaluation is None]
    if run.folder.report_path.exists() and not unopened:  # written last, but by hand it may be before
        settings.say(f"Nothing is missing: {run.folder.report_path}")
        return
    settings.say("Opening the test split")
    run.open_test(data)
    if run.baseline is not None:
        run.baseline.open_test(data)
    settings.say("Exporting, and holding each export against the network")
    export_all(run, data)
    settings.say("Drawing")
    illustrate(run.folder, run.network, data)
    study = find_study(run.design, run.folder.path.parent.parent / STUDIES)  # beside the folder of runs
    if study is not None:
        copy_evidence(study, run.folder.evidence_path)
    run.report()


def _baseline_folder(run: Run, data: Dataset, baseline: Design) -> RunFolder:
    """The folder of the baseline's run: the one that is there, or a new one."""
    record = new_record(baseline, data, run.record.recipe, run.record.seed)
    folder = run.folder.baseline
    if folder is None:
        return run.folder.create_baseline(record, baseline)
    require_same_start(folder, record, baseline)
    return folder


def _interrupted(run: Run) -> bool:
    return run.record.outcome is not None and run.record.outcome.end == "interrupted"


def export_all(run: Run, data: Dataset) -> None:
    """Write the run's network as ONNX and for Keras, each held against the network on test images.

    Raises:
        ExportError: a file doesn't agree with the network.
    """
    images = data.test.images[:VERIFIED_IMAGES]
    for name in _EXPORTED:
        run.export(name, images=images)


def _train(folder: RunFolder, data: Dataset, settings: Settings) -> None:
    train_into(
        folder,
        data,
        device=settings.device,
        precision=settings.precision,
        callbacks=settings.watch(folder.design.name),
        say=settings.say,
    )
