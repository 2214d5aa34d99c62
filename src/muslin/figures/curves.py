"""Draw the training curves."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from muslin._words import percent
from muslin.figures.style import BLUE, INK, SMALL, SOFT, VERMILLION, new_figure, styled
from muslin.training.history import History

FEW = 15  # largest number of epochs that are marked by dots


@styled
def training_curves(
    history: History,
    *,
    baseline_accuracy: float | None = None,
    baseline_history: History | None = None,
    restored_epoch: int | None = None,
) -> Figure:
    """Draw the training curves: accuracy, loss and learning rate by epoch.

    Args:
        history: metrics of at least one epoch.
        baseline_accuracy: the baseline's test accuracy, 0–1, drawn as a line (default: none).
        baseline_history: metrics of the baseline's epochs, whose validation curves are drawn (default: none).
        restored_epoch: number of the epoch whose weights were restored, which is marked (default: none).
    """
    figure = new_figure(280)
    accuracy, loss, rate = figure.subplots(1, 3, width_ratios=(5, 5, 3))
    _pair(accuracy, history, "accuracy", scale=100)
    _pair(loss, history, "loss")
    _line(rate, history, "learning_rate", INK)
    if baseline_history is not None:
        look: dict[str, Any] = {"alpha": SOFT, "linestyle": (0, (1, 1.5))}
        _line(accuracy, baseline_history, "validation_accuracy", INK, scale=100, label="baseline, validation", **look)
        _line(loss, baseline_history, "validation_loss", INK, **look)
    if baseline_accuracy is not None:
        words = f"baseline, test: {percent(baseline_accuracy)}"
        look = {"color": INK, "alpha": SOFT, "linewidth": 1.25, "linestyle": (0, (5, 3))}
        accuracy.axhline(100 * baseline_accuracy, label=words, **look)
    titles = {accuracy: "Accuracy (%)", loss: "Loss (cross-entropy, nats)", rate: "Learning rate"}
    for axes, title in titles.items():
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.margins(x=0.04)
        if restored_epoch is not None:
            axes.axvline(restored_epoch, color=INK, alpha=SOFT, linewidth=0.9, linestyle=(0, (2, 2)))
    _scale_rate(rate, history)
    if restored_epoch is not None:
        loss.annotate(
            f"epoch {restored_epoch} restored",
            (restored_epoch, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if 2 * restored_epoch > len(history) else 4, -2),
            textcoords="offset points",
            ha="right" if 2 * restored_epoch > len(history) else "left",
            va="top",
            fontsize=SMALL,
            alpha=SOFT,
        )
    figure.legend(*accuracy.get_legend_handles_labels(), loc="outside upper left", ncols=4, handlelength=2)
    return figure


def _pair(axes: Axes, history: History, column: str, *, scale: float = 1) -> None:
    _line(axes, history, column, BLUE, scale=scale, label="training")
    _line(axes, history, f"validation_{column}", VERMILLION, scale=scale, label="validation")


def _line(axes: Axes, history: History, column: str, color: str, *, scale: float = 1, **look: Any) -> None:
    values = [scale * value for value in history.column(column)]
    marker = "o" if len(history) <= FEW else None
    axes.plot(history.column("epoch"), values, color=color, marker=marker, markersize=3.5, **look)


def _scale_rate(axes: Axes, history: History) -> None:
    axes.set_ylim(0, 1.08 * max(history.column("learning_rate")) or 1)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
