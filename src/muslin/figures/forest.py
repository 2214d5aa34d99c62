"""Draw the forest plot of a study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from muslin._words import signed
from muslin.ablation.words import describe_ratio
from muslin.figures.canvas import shortened
from muslin.figures.style import BLUE, FAINT, GRAY, GREEN, INK, SMALL, SOFT, TEXT, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from muslin.ablation.findings import Evidence

_ROW = 19  # CSS pixels
_COLORS = {
    "supported": GREEN,
    "supported by cost": GREEN,
    "contradicted": VERMILLION,
    "costs more for nothing": VERMILLION,
    "equivalent": BLUE,
}
_LEGEND = {
    GREEN: "supports the choice",
    VERMILLION: "supports the alternative",
    BLUE: "equivalent",
    GRAY: "undecided",
}
_FARTHEST = 4.0  # the axis ends at this multiple of the median; one extreme alternative must not compress the rest
_LEFT, _ACROSS = 0.275, 0.40  # left end and width of the axes, in widths of the figure
_COLUMNS = ((0.74, "points"), (0.83, "parameters"), (0.91, "MACs"), (0.985, "time"))  # right ends, in the same unit
_TOP, _BOTTOM = 34, 40  # CSS pixels above and below the axes


@styled
def forest_plot(evidence: Sequence[Evidence], margin: float) -> Figure:
    """Draw the forest plot: the effect of every alternative with its interval and relative costs, by decision.

    Args:
        evidence: rows of the study; a row without an effect shows its verdict only.
        margin: half-width in points of the band around zero in which differences count as equal.
    """
    lines = _lines(evidence)
    height = _TOP + _BOTTOM + _ROW * (len(lines) + 1.2)
    figure = new_figure(height)
    figure.set_layout_engine("none")  # a layout engine would move the axes away from the columns beside them
    axes = figure.add_axes((_LEFT, _BOTTOM / height, _ACROSS, 1 - (_TOP + _BOTTOM) / height))
    low, high = _limits(evidence, margin)
    axes.axvspan(-margin, margin, color=INK, alpha=0.06, linewidth=0)
    axes.axvline(0, color=INK, linewidth=0.75, alpha=SOFT)
    for place, line in enumerate(lines):
        if isinstance(line, str):
            axes.text(-0.02, place, line, transform=axes.get_yaxis_transform(), ha="right", va="center", weight="bold")
        else:
            _draw(axes, place, line, (low, high))
    for right, head in _COLUMNS:
        axes.text(
            _beside(right),
            -1.0,
            head,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=SMALL,
            alpha=SOFT,
        )
    axes.set(xlim=(low, high), ylim=(len(lines) - 0.4, -1.6), yticks=[])
    axes.set_xlabel(f"validation accuracy, choice minus alternative (points); gray band: equal within ±{margin:g}")
    axes.grid(axis="x", color=INK, alpha=FAINT)
    axes.grid(visible=False, axis="y")
    used = {_color(row) for row in evidence if row.effect}
    for color, words in _LEGEND.items():
        if color in used:
            axes.plot([], [], color=color, marker="o", markersize=5, label=words)
    if used:
        figure.legend(loc="upper left", ncols=4, handletextpad=0.4, borderaxespad=0.2)
    return figure


def _lines(evidence: Sequence[Evidence]) -> list[str | Evidence]:
    """Return the lines of the plot: for each decision a heading, then its alternatives."""
    lines: list[str | Evidence] = []
    before = ""
    for row in evidence:
        decision = row.contrast.decision
        if decision.name != before:
            lines.append(shortened(f"{decision.name.replace('_', ' ')}: {decision.chosen}", 250, TEXT))
            before = decision.name
        lines.append(row)
    return lines


def _limits(evidence: Sequence[Evidence], margin: float) -> tuple[float, float]:
    """Return the range of the axis: all intervals except those far beyond the others."""
    ends = sorted(max(map(abs, row.effect.interval)) for row in evidence if row.effect) or [margin]
    most = max(_FARTHEST * ends[len(ends) // 2], 2 * margin)
    lows = [row.effect.interval.low for row in evidence if row.effect] or [0.0]
    highs = [row.effect.interval.high for row in evidence if row.effect] or [0.0]
    low, high = max(min(*lows, -2 * margin), -most), min(max(*highs, 2 * margin), most)
    space = 0.04 * (high - low)
    return low - space, high + space


def _draw(axes: Axes, place: int, row: Evidence, limits: tuple[float, float]) -> None:
    across = axes.get_yaxis_transform()
    name = shortened(row.alternative, 250, TEXT)
    axes.text(-0.02, place, name, transform=across, ha="right", va="center")
    effect = row.effect
    if effect is None:
        axes.text(0.5, place, row.verdict.text, transform=across, ha="center", va="center", fontsize=SMALL, alpha=SOFT)
    else:
        color, (low, high) = _color(row), limits
        axes.plot(effect.interval, [place, place], color=color, linewidth=3.5, alpha=0.45, clip_on=True)
        if low <= effect.mean <= high:
            axes.plot([effect.mean], [place], color=color, marker="o", markersize=5)
        else:  # beyond the edge: an arrow marks it, and the column beside it gives the value
            edge, marker = (high, ">") if effect.mean > high else (low, "<")
            axes.plot([edge], [place], color=color, marker=marker, markersize=6, clip_on=False)
    ratios = row.chosen.ratios(row.other)
    cells = [
        signed(effect.mean) if effect else "",
        *(describe_ratio(ratios.get(name)) for name in ("parameters", "MACs", "training time")),
    ]
    for (right, _), cell in zip(_COLUMNS, cells, strict=True):
        axes.text(_beside(right), place, cell, transform=across, ha="right", va="center", fontsize=SMALL)


def _beside(right: float) -> float:
    """Convert a position from widths of the figure to widths of the axes."""
    return (right - _LEFT) / _ACROSS


def _color(row: Evidence) -> str:
    return _COLORS.get(row.verdict.kind, GRAY)
