"""`muslin.run`: from image files to a trained, evaluated, exported and reported network."""

from __future__ import annotations

import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from muslin.data import Dataset, ReadingOptions
from muslin.design import Design, load_baseline
from muslin.engine.machine import pick_device
from muslin.recipe import Recipe
from muslin.runs.folder import RUNS
from muslin.training.fit import prepare
from muslin.workflow.inputs import Named, fit_to, images_for, open_design, open_recipe, open_run
from muslin.workflow.observer import Watched, observer_of
from muslin.workflow.run_steps import finish
from muslin.workflow.run_training import begin_or_resume, settle
from muslin.workflow.trained_run import Run


def run(  # noqa: PLR0913  (the command's options)
    design: Design | str | Path | None = None,
    data: Dataset | str | Path | None = None,
    recipe: Recipe | str | Path | None = None,
    *,
    baseline: Design | str | Path | None = None,
    sample: bool = False,
    classes: str | Path | Sequence[str] | None = None,
    allow_leak: bool = False,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    flip: bool | None = None,
    overrides: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    out: str | Path = RUNS,
    resume: str | Path | None = None,
    open_page: bool = False,
    progress: Watched = None,
    **reading: Unpack[ReadingOptions],
) -> Run:
    """Train a design and its baseline, evaluate both, check the claims, draw, export, and write the report.

    The test split is opened once, after all training. What is finished of a run to resume is not repeated.

    Args:
        design: as in `muslin.train`.
        data: as in `muslin.train`.
        recipe: recipe that trains the design and the baseline; as in `muslin.train`.
        baseline: design to compare with, or "none" (default: the design's own baseline, else "dense_baseline").
        sample: as in `muslin.train`.
        classes: as in `muslin.train`.
        allow_leak: as in `muslin.train`.
        epochs: as in `muslin.train`.
        batch_size: as in `muslin.train`.
        learning_rate: as in `muslin.train`.
        flip: as in `muslin.train`.
        overrides: as in `muslin.train`.
        seed: seed of the design's and the baseline's training (default 0).
        device: as in `muslin.train`.
        precision: as in `muslin.train`.
        out: folder in which the run folder is made (default "runs").
        resume: as in `muslin.train`.
        open_page: whether to open the report in the browser.
        progress: as in `muslin.train`.
        **reading: as in `muslin.train`.

    Returns:
        The run, with its report written unless training was interrupted.

    Raises:
        MuslinError: as `muslin.train`; or the baseline cannot be read, or an export differs from the network.
    """
    observer = observer_of(progress)
    folder = open_run(resume) if resume is not None else None
    named_design, design = design, open_design(design, folder.design if folder else None)
    chosen = open_recipe(
        recipe,
        folder.record.recipe if folder else None,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        flip=flip,
        overrides=overrides,
    )
    pick_device(device)  # this and the next line raise before images are read
    _baseline(baseline, design)
    named = Named(data, sample=sample, classes=classes, allow_leak=allow_leak, reading=reading)
    images = images_for(folder, named, observer)
    design = design if folder else fit_to(design, images, named_design, observer)
    other = _baseline(baseline, design)
    free = not (folder or isinstance(recipe, Recipe) or epochs or "epochs" in (overrides or {}))
    chosen = settle(chosen, images, observer, free_epochs=free)
    prepared = prepare(design, images, chosen, device=device, precision=precision)
    compared = prepare(other, images, chosen, device=device, precision=precision) if other else None
    folder = begin_or_resume(folder, prepared, seed, Path(out))
    done = finish(Run(folder), prepared, compared, observer)
    if open_page and done.folder.report_path.exists():
        webbrowser.open(done.folder.report_path.resolve().as_uri())
    return done


def _baseline(named: Design | str | Path | None, design: Design) -> Design | None:
    """Return the baseline of a design; None for no comparison."""
    return named if isinstance(named, Design) else load_baseline(design, str(named) if named else None)
