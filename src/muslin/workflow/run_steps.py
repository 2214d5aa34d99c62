"""The steps of `muslin.run`: train, evaluate, export, draw, report. Steps that are already done are skipped."""

from __future__ import annotations

import shlex

from muslin._extras import require
from muslin._interruption import going_on_with
from muslin._words import percent
from muslin.ablation.justification import STUDIES, copy_evidence, find_study
from muslin.data import Dataset
from muslin.design import Design
from muslin.errors import MuslinError
from muslin.exports import FormatName
from muslin.runs.folder import RunFolder
from muslin.training.fit import Prepared
from muslin.workflow.illustrate import illustrate
from muslin.workflow.observer import Observer
from muslin.workflow.run_training import drop_leftovers, is_trained, new_record, require_same_start, train_into
from muslin.workflow.trained_run import Run

VERIFIED_IMAGES = 250  # of the test split, on which every export is compared with the network
_KERAS: tuple[FormatName, ...] = ("keras", "h5")


def finish(run: Run, prepared: Prepared, baseline: Prepared | None, observer: Observer) -> Run:
    """Do the missing steps of a run and write its report, unless training is interrupted; return the run.

    Args:
        run: run that is new, partly trained, or finished.
        prepared: training of the run; the test split is opened when training is complete.
        baseline: training of the baseline; None for no comparison.
        observer: observer that receives notes and progress.

    Raises:
        MuslinError: a step failed; the message names the command that resumes the run.
    """
    resume = f"muslin run --resume {shlex.quote(str(run.folder.path))}"
    with run.folder.at_work(), going_on_with(resume):
        _finish(run, prepared, baseline, observer)
    return run


def _finish(run: Run, prepared: Prepared, baseline: Prepared | None, observer: Observer) -> None:
    data = prepared.data
    record = run.record
    if not is_trained(run.folder):
        observer.note(
            f"Training {run.design.name} with recipe '{record.recipe.name}', seed {record.seed}, in {run.folder.path}"
        )
        _train(run.folder, prepared, observer)
    else:
        drop_leftovers(run.folder)
    if _interrupted(run):
        observer.note("Interrupted: the best weights so far are saved; nothing was evaluated, exported or drawn.")
        return
    if baseline is not None:
        folder = _baseline_folder(run, data, baseline.design)
        if not is_trained(folder):
            observer.note(f"Training the baseline {baseline.design.name}")
            _train(folder, baseline, observer)
        if _interrupted(Run(folder)):
            observer.note("Interrupted while training the baseline; nothing was evaluated, exported or drawn.")
            return
        # The lines above are those of the baseline's epochs; without this one they pass for the design's.
        observer.note(f"Validation accuracy: {_reached(run.folder)}; {_reached(folder)}")
    unopened = [part for part in (run.folder, run.folder.baseline) if part is not None and part.evaluation is None]
    if run.folder.report_path.exists() and not unopened:  # written last, but `muslin report` may write it earlier
        observer.note(f"Nothing is missing: {run.folder.report_path}")
        return
    observer.note("Opening the test split")
    run.open_test(data)
    if run.baseline is not None:
        run.baseline.open_test(data)
    observer.note("Exporting, and comparing each export with the network")
    export_all(run, data, observer)
    observer.note("Drawing")
    illustrate(run.folder, run.network, data)
    study = find_study(run.design, run.folder.path.parent.parent / STUDIES)  # beside the folder of runs
    if study is not None:
        copy_evidence(study, run.folder.evidence_path)
    run.report()


def _reached(folder: RunFolder) -> str:
    outcome = folder.record.outcome
    epoch = folder.history.kept(outcome.restored_epoch if outcome else None)
    return f"{folder.design.name} {percent(epoch.validation_accuracy, 2)}"


def _baseline_folder(run: Run, data: Dataset, baseline: Design) -> RunFolder:
    """Return the folder of the baseline's run; create it if there is none."""
    record = new_record(baseline, data, run.record.recipe, run.record.seed)
    folder = run.folder.baseline
    if folder is None:
        return run.folder.create_baseline(record, baseline)
    require_same_start(folder, record, baseline)
    return folder


def _interrupted(run: Run) -> bool:
    return run.record.outcome is not None and run.record.outcome.end == "interrupted"


def export_all(run: Run, data: Dataset, observer: Observer) -> None:
    """Export the network to ONNX and to both Keras formats, and compare each file with the network on test images.

    Without the extra `keras`, the Keras files are left out, and the observer is told.

    Raises:
        ExportError: a file disagrees with the network.
    """
    images = data.test.images[:VERIFIED_IMAGES]
    run.export("onnx", images=images)
    try:
        require("keras")
    except MuslinError as error:
        observer.note(f"Skipping model.keras and {run.folder.export_path('h5').name}: {error}")
        return
    for name in _KERAS:
        run.export(name, images=images)


def _train(folder: RunFolder, prepared: Prepared, observer: Observer) -> None:
    train_into(folder, prepared, callbacks=observer.training(folder.design.name), say=observer.note)
