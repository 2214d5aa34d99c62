"""`muslin.report`: build a run's report again."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from muslin.ablation.justification import FILE, STUDIES, copy_evidence, find_study
from muslin.reports import build_report, report_path
from muslin.runs.folder import RunFolder
from muslin.workflow.inputs import open_run

if TYPE_CHECKING:
    from muslin.workflow.trained_run import Run


def report(
    run: Run | RunFolder | str | Path = "latest",
    *,
    out: str | Path | None = None,
    study: str | Path | None = None,
    open_page: bool = False,
) -> Path:
    """Build the report of a run from what its folder holds, and return the report's path.

    Neither the data nor the network is needed. The report is one file that opens in any browser, without a network.

    Args:
        run: a run, its folder, or "latest" (default).
        out: HTML file to write (default: report.html in the run folder).
        study: folder of a study whose findings about the design's decisions the report shows (default: the one
            that the run folder holds already, or else the newest study of the same layers).
        open_page: whether to open the report in the browser.

    Raises:
        RunError: there is no such run, or the study has no table yet.
        MuslinError: the file cannot be written.
    """
    folder = open_run(run)
    place = report_path(folder, Path(out) if out is not None else None)
    if study is None and not (folder.evidence_path / FILE).exists():
        study = find_study(folder.design, folder.path.parent.parent / STUDIES)  # beside the folder of runs
    if study is not None:
        copy_evidence(Path(study), folder.evidence_path)
    written = build_report(folder, place)
    if open_page:
        webbrowser.open(written.resolve().as_uri())
    return written
