"""From a run folder to one HTML file."""

from __future__ import annotations

from pathlib import Path

import jinja2

from muslin._disk.files import write_text
from muslin._words import count, number
from muslin.analysis import describe_field
from muslin.design import describe_shape
from muslin.design.template import is_open
from muslin.errors import MuslinError, RunError
from muslin.reports import layers, words
from muslin.reports.story import Story
from muslin.runs.files import require_free
from muslin.runs.folder import RunFolder

_FILTERS = (
    number,
    words.percent,
    words.signed,
    words.between,
    words.duration,
    words.size,
    words.millions,
    words.probability,
    words.setting,
    words.listed,
    words.on_point,
    layers.kind,
    layers.choice,
    layers.in_short,
    is_open,
    describe_shape,
    describe_field,
)


def build_report(folder: RunFolder, path: Path | None = None) -> Path:
    """Write the report of the run in `folder` and return where it is.

    It is made of what the folder holds and of nothing else: neither the data nor torch is needed. What the run lacks
    (an evaluation, a baseline, a figure) is left out together with its paragraphs.

    Args:
        folder: the run.
        path: as `report_path` takes it.

    Raises:
        RunError: a file of the run is missing or damaged.
        MuslinError: the report can't be written there.
    """
    path = report_path(folder, path)
    write_text(path, render(folder))
    return path


def report_path(folder: RunFolder, path: Path | None = None) -> Path:
    """Where the report of the run in `folder` goes.

    Args:
        folder: the run.
        path: the HTML file to write; report.html in the run folder by default.

    Raises:
        MuslinError: its name doesn't end in .html or .htm, or a run keeps another file there.
    """
    path = path or folder.report_path
    if path.suffix.lower() not in (".html", ".htm"):
        raise MuslinError(f"{path} is no name for a report, which is HTML. Let it end in .html.")
    require_free(path, folder.report_path)
    return path


def render(folder: RunFolder) -> str:
    """The report as HTML text.

    Raises:
        RunError: a file of the run is missing or damaged, or no epoch was finished.
    """
    if not len(folder.history):
        raise RunError(f"the run {folder.name} has no finished epoch to report on. Choose another run, or train again.")
    return _environment().get_template("report.html").render(story=Story(folder))


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("muslin.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {function.__name__: function for function in _FILTERS}
    environment.globals |= {"count": count, "thin": words.THIN}
    return environment
