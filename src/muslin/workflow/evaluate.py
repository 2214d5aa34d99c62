"""`muslin.evaluate`: a run's answers on the test split."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from muslin.data import Dataset, ReadingOptions
from muslin.evaluation import Evaluation
from muslin.runs.folder import RunFolder
from muslin.workflow.inputs import Named, data_of_run, open_run
from muslin.workflow.observer import Watched, observer_of

if TYPE_CHECKING:
    from muslin.workflow.trained_run import Run


def evaluate(
    run: Run | RunFolder | str | Path = "latest",
    data: Dataset | str | Path | None = None,
    *,
    sample: bool = False,
    classes: str | Path | Sequence[str] | None = None,
    allow_leak: bool = False,
    progress: Watched = None,
    **reading: Unpack[ReadingOptions],
) -> Evaluation:
    """Evaluate a run on the test split.

    The split is opened once: the answers are kept in the run folder, and read from there the next time.

    Args:
        run: a run, its folder, or "latest" (default).
        data: a data set, or a path that `muslin.load_data` reads (default: what the run was trained on).
        sample: whether to use the 2,500 images that ship with Muslin.
        classes: names of the classes, as in `muslin.load_data`.
        allow_leak: whether to continue although training and test files share images.
        progress: whether to show what is done (default: in a terminal and in a notebook), or an `Observer`.
        **reading: how the files are read, as in `muslin.load_data`: ``size="48x48"``, ``test_fraction=0.15`` and so on.

    Raises:
        RunError: there is no such run, it has no weights, or `data` is not what it was trained on.
        DataError: the data cannot be read.
    """
    observer, folder = observer_of(progress), open_run(run)
    if folder.evaluation is not None and folder.measured is not None:
        observer.note("The test split was opened before; these are the answers kept in the run folder.")
        return folder.evaluation
    from muslin._interruption import going_on_with  # noqa: PLC0415  (only where something is computed)
    from muslin.workflow.trained_run import Run  # noqa: PLC0415  (torch: likewise)

    with going_on_with(f"muslin evaluate {shlex.quote(str(folder.path))}"):
        named = Named(data, sample=sample, classes=classes, allow_leak=allow_leak, reading=reading)
        return Run(folder).open_test(data_of_run(folder, named, observer))
