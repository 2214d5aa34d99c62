"""What the verbs that train share: how their answer is told."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from muslin._words import count, duration, number, percent

if TYPE_CHECKING:
    from muslin.runs.folder import RunFolder

INTERRUPTED = 130  # exit status


def describe_outcome(folder: RunFolder) -> str:
    """Return how a training went, in a few lines."""
    from muslin.training.cost import share_of_peak  # noqa: PLC0415  (torch: loaded by now)

    outcome, history = folder.record.outcome, folder.history
    if outcome is None or not len(history):
        why = f": {outcome.reason}" if outcome and outcome.end == "interrupted" else ""
        return f"No epoch was finished{why}. The weights so far are in {folder.path}.{how_to_resume('train', folder)}"
    epoch = history.kept(outcome.restored_epoch)
    restored = f"; the weights of epoch {epoch.epoch} were restored" if outcome.restored_epoch else ""
    share = share_of_peak(folder.design, outcome)
    known = ", ".join(percent(accuracy, 2) for accuracy in outcome.teachers)
    teachers = f" (its {'teacher' if len(outcome.teachers) == 1 else 'teachers'}: {known})" if known else ""
    reached = f", {percent(share, 0)} of this machine's peak in matrix products" if share else ""
    return (
        f"{count(outcome.epochs, 'epoch')} in {duration(outcome.seconds)}, "
        f"{number(outcome.images_per_second)} images/s{reached} "
        f"({outcome.precision}, {outcome.device}, {count(outcome.threads, 'thread')}): {outcome.reason}{restored}.\n"
        f"Validation accuracy {percent(epoch.validation_accuracy, 2)}, loss {epoch.validation_loss:.4f}{teachers}.\n"
        f"The run is in {folder.path}.{how_to_resume('train', folder)}"
    )


def is_interrupted(folder: RunFolder) -> bool:
    """Return whether training was interrupted, the run's own or its baseline's."""
    outcome = folder.record.outcome
    if outcome is not None and outcome.end == "interrupted":
        return True
    return folder.baseline is not None and is_interrupted(folder.baseline)


def how_to_resume(verb: str, folder: RunFolder) -> str:
    """Return the command that resumes an interrupted run, on a line of its own; nothing for other runs."""
    if not is_interrupted(folder):
        return ""
    return f"\nTo resume it: muslin {verb} --resume {shlex.quote(str(folder.path))}"


def next_step(folder: RunFolder) -> str:
    """Return the command that follows a training."""
    from muslin.runs.folder import LATEST, RUNS  # noqa: PLC0415  (torch: loaded by now)

    newest = (Path(RUNS) / LATEST).resolve() == folder.path.resolve()
    return f"Next: muslin evaluate {LATEST if newest else shlex.quote(str(folder.path))}"
