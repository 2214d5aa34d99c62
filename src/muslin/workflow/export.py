"""`muslin.export`: a run's network as a file for other programs."""

from __future__ import annotations

from pathlib import Path

from muslin.exports import FORMATS, FormatName, describe_input
from muslin.runs.folder import RunFolder
from muslin.workflow.inputs import open_run
from muslin.workflow.observer import Watched, observer_of
from muslin.workflow.trained_run import Run


def export(
    run: Run | RunFolder | str | Path,
    to: FormatName,
    *,
    out: str | Path | None = None,
    calibrated: bool = False,
    progress: Watched = None,
) -> Path:
    """Write a run's network as a file for other programs, and return the file's path.

    The file is reloaded and compared with the network before it replaces an existing one: its answers on images or,
    for safetensors, its weights.

    Args:
        run: a run, its folder, or "latest".
        to: format: "onnx", "keras", "h5" or "safetensors".
        out: file to write, ending as the format's files do (default: into the run folder).
        calibrated: whether probabilities are calibrated by the temperature that was fitted on the validation images
            when the run was evaluated; the classes predicted stay the same (default False).
        progress: whether to show notes (default: in a terminal and in a notebook), or an `Observer`.

    Raises:
        RunError: there is no such run, or it has no weights.
        ExportError: the format is unknown or cannot express the design, the name does not end as its files' do, or
            the reloaded file differs from the network.
        MuslinError: a run keeps another file there, or it cannot be written.
    """
    observer, opened = observer_of(progress), Run(open_run(run))
    path = opened.export(to, out, calibrated=calibrated, say=observer.note)
    if to != "safetensors":
        observer.note(f"Input: {describe_input(opened.design, opened.record.data.scaling)}.")
    observer.detail(f"{path.stat().st_size:,} bytes. Opens in {FORMATS[to].opens_in}.")
    return path
