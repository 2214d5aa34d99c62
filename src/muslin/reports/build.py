"""Build the report of a run folder."""

from __future__ import annotations

from pathlib import Path

import jinja2

from muslin import _words
from muslin._disk.files import write_text
from muslin._options import as_options
from muslin._words import count, number, plural
from muslin.analysis import describe_field
from muslin.design import describe_shape
from muslin.design.template import is_open
from muslin.errors import MuslinError, RunError
from muslin.reports import layers, words
from muslin.reports.story import Story
from muslin.runs.files import require_free
from muslin.runs.folder import RunFolder

_FILTERS = (
    as_options,
    number,
    _words.percent,
    _words.signed,
    _words.listed,
    _words.difference,
    words.between,
    words.percents,
    words.duration,
    words.size,
    words.millions,
    words.probability,
    words.setting,
    words.closed_up,
    words.on_point,
    layers.kind,
    layers.choice,
    layers.in_short,
    is_open,
    describe_shape,
    describe_field,
)


def build_report(folder: RunFolder, path: Path | None = None) -> Path:
    """Write the report of a run and return its path.

    The report contains only what the run folder holds; it needs neither the data nor torch. A paragraph whose subject
    the run lacks (an evaluation, a baseline, a figure) is omitted.

    Args:
        folder: the run folder.
        path: the HTML file to write (default: report.html in the run folder).

    Raises:
        RunError: a file of the run is missing or damaged.
        MuslinError: the report cannot be written to `path`.
    """
    path = report_path(folder, path)
    write_text(path, render(folder))
    return path


def report_path(folder: RunFolder, path: Path | None = None) -> Path:
    """Return the path of a run's report.

    Args:
        folder: the run folder.
        path: the HTML file to write (default: report.html in the run folder).

    Raises:
        MuslinError: the name does not end in .html or .htm, or the path belongs to another file of a run.
    """
    path = path or folder.report_path
    if path.suffix.lower() not in (".html", ".htm"):
        raise MuslinError(f"a report needs a file name ending in .html or .htm (got '{path}')")
    require_free(path, folder.report_path)
    return path


def render(folder: RunFolder) -> str:
    """Return the report as HTML text.

    Raises:
        RunError: a file of the run is missing or damaged, or the run has no finished epoch.
    """
    if not len(folder.history):
        raise RunError(f"run {folder.name} has no finished epoch to report on. Choose another run, or train again.")
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
    environment.globals |= {"count": count, "plural": plural}
    return environment
