"""Accuracies side by side, and the difference that is left when the same images are compared."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from muslin.evaluation import Evaluation, Improvement, Interval
from muslin.figures.canvas import shortened
from muslin.figures.style import BLUE, FAINT, GREEN, GREY, INK, SOFT, TEXT, new_figure, styled


@styled
def accuracy_comparison(evaluations: Mapping[str, Evaluation], improvement: Improvement | None = None) -> Figure:
    """Accuracy of each network with its 95% interval and, on the right, the paired difference.

    Args:
        evaluations: by the network's name, from the top down.
        improvement: of the first over the second.
    """
    figure = new_figure(78 + 34 * max(len(evaluations), 2 if improvement else 1))
    if improvement is None:
        axes, difference = figure.subplots(), None
    else:
        axes, difference = figure.subplots(1, 2, width_ratios=(3, 2))
    names = list(evaluations)
    for place, (name, evaluation) in enumerate(evaluations.items()):
        color = BLUE if name == names[0] else GREY
        _dot(axes, 100 * evaluation.accuracy, _percent(evaluation.accuracy_interval), len(names) - 1 - place, color)
    axes.set_yticks(range(len(names)), [shortened(name, 150, TEXT) for name in reversed(names)], fontsize=TEXT)
    axes.set_ylim(-0.6, len(names) - 0.3)
    axes.set_xlabel("test accuracy (%), 95 % interval")
    if improvement is not None and difference is not None:
        _dot(difference, improvement.points, improvement.interval, 0, GREEN, "{:+.2f} points")
        difference.axvline(0, color=INK, alpha=SOFT, linewidth=1)
        difference.set_yticks([])
        difference.set_ylim(-0.6, 0.7)
        difference.set_xlabel("difference on the same images (points), 95 % interval")
    for part in figure.axes:
        part.grid(axis="x", color=INK, alpha=FAINT)
        part.grid(visible=False, axis="y")
        part.xaxis.set_major_locator(MaxNLocator(nbins=7))
        part.margins(x=0.12)
    low, high = axes.get_xlim()
    axes.set_xticks([tick for tick in axes.get_xticks() if max(low, 0) <= tick <= min(high, 100)])
    return figure


def _percent(interval: Interval) -> Interval:
    return Interval(100 * interval.low, 100 * interval.high)


def _dot(axes: Axes, value: float, interval: Interval, place: float, color: str, words: str = "{:.2f} %") -> None:
    axes.plot(interval, [place, place], color=color, linewidth=5, alpha=0.45)
    axes.plot([value], [place], color=color, marker="o", markersize=7)
    axes.annotate(
        words.format(value).replace("-", "−"),
        (value, place),
        xytext=(0, 9),
        textcoords="offset points",
        ha="center",
        va="bottom",
    )
