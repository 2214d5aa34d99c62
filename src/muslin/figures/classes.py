"""Draw the metrics of each class."""

from __future__ import annotations

from matplotlib.figure import Figure

from muslin.evaluation import Evaluation
from muslin.figures.canvas import shortened
from muslin.figures.style import BLUE, FAINT, GREEN, INK, TEXT, VERMILLION, new_figure, styled


@styled
def per_class(evaluation: Evaluation) -> Figure:
    """Draw recall with its 95% interval, precision and F1 of each class, lowest recall on top.

    Args:
        evaluation: results on the test split.
    """
    rows = sorted(evaluation.per_class, key=lambda row: row.recall, reverse=True)
    places = range(len(rows))
    figure = new_figure(84 + 25 * len(rows))
    axes = figure.subplots()
    for place, row in zip(places, rows, strict=True):
        low, high = row.recall_interval
        axes.plot([100 * low, 100 * high], [place, place], color=BLUE, linewidth=5, alpha=0.45)
    looks = (
        ("recall", "recall, 95% interval", "o", BLUE, BLUE),
        ("precision", "precision", "D", "none", VERMILLION),
        ("f1", "F1", "|", GREEN, GREEN),
    )
    for measure, label, marker, face, edge in looks:
        values = [100 * getattr(row, measure) for row in rows]
        axes.plot(
            values,
            places,
            linestyle="none",
            marker=marker,
            markersize=9 if marker == "|" else 6 if marker == "o" else 5.5,
            markerfacecolor=face,
            markeredgecolor=edge,
            markeredgewidth=1.5,
            label=label,
        )
    axes.set_yticks(places, [shortened(row.name, 120, TEXT) for row in rows], fontsize=TEXT)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel("metric (%)")
    axes.grid(axis="x", color=INK, alpha=FAINT)
    figure.legend(loc="outside upper left", ncols=3, handletextpad=0.3)
    return figure
