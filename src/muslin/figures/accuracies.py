"""Compare the accuracies of networks on the same images."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from muslin._words import percent, signed
from muslin.evaluation import Evaluation, Improvement, Interval
from muslin.figures.canvas import shortened
from muslin.figures.style import BLUE, FAINT, GRAY, GREEN, INK, SOFT, TEXT, new_figure, styled


@styled
def accuracy_comparison(evaluations: Mapping[str, Evaluation], improvement: Improvement | None = None) -> Figure:
    """Draw the accuracy of each network with its 95% interval and, on the right, the paired difference.

    Args:
        evaluations: each network's results on the test split, by the network's name, from top to bottom.
        improvement: paired difference between the first and the second network (default: not drawn).
    """
    figure = new_figure(78 + 34 * max(len(evaluations), 2 if improvement else 1))
    if improvement is None:
        axes, difference = figure.subplots(), None
    else:
        axes, difference = figure.subplots(1, 2, width_ratios=(3, 2))
    names = list(evaluations)
    for place, (name, evaluation) in enumerate(evaluations.items()):
        color = BLUE if name == names[0] else GRAY
        low, high = evaluation.accuracy_interval
        interval = Interval(100 * low, 100 * high)
        words = percent(evaluation.accuracy, 2)
        _dot(axes, 100 * evaluation.accuracy, interval, len(names) - 1 - place, color, words)
    axes.set_yticks(range(len(names)), [shortened(name, 150, TEXT) for name in reversed(names)], fontsize=TEXT)
    axes.set_ylim(-0.6, len(names) - 0.3)
    axes.set_xlabel("test accuracy (%), 95% interval")
    if improvement is not None and difference is not None:
        _dot(difference, improvement.points, improvement.interval, 0, GREEN, f"{signed(improvement.points)} points")
        difference.axvline(0, color=INK, alpha=SOFT, linewidth=1)
        difference.set_yticks([])
        difference.set_ylim(-0.6, 0.7)
        difference.set_xlabel("paired difference (points), 95% interval")
    for part in figure.axes:
        part.grid(axis="x", color=INK, alpha=FAINT)
        part.grid(visible=False, axis="y")
        part.xaxis.set_major_locator(MaxNLocator(nbins=7))
        part.margins(x=0.12)
    low, high = axes.get_xlim()
    axes.set_xticks([tick for tick in axes.get_xticks() if max(low, 0) <= tick <= min(high, 100)])
    return figure


def _dot(axes: Axes, value: float, interval: Interval, place: float, color: str, words: str) -> None:
    axes.plot(interval, [place, place], color=color, linewidth=5, alpha=0.45)
    axes.plot([value], [place], color=color, marker="o", markersize=7)
    axes.annotate(
        words,
        (value, place),
        xytext=(0, 9),
        textcoords="offset points",
        ha="center",
        va="bottom",
    )
