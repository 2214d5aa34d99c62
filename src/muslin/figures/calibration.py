"""Draw a network's calibration."""

from __future__ import annotations

from matplotlib.figure import Figure

from muslin._words import percent
from muslin.evaluation import Evaluation
from muslin.figures.style import BLUE, FAINT, INK, SMALL, SOFT, VERMILLION, new_figure, styled


@styled
def reliability(evaluation: Evaluation) -> Figure:
    """Draw the reliability diagram: accuracy over confidence in bins, with 95% intervals and the size of each bin.

    Above the diagonal the network is underconfident, below it overconfident.

    Args:
        evaluation: results on the test split.
    """
    calibration = evaluation.calibration
    filled = [part for part in calibration.bins if part.images]
    figure = new_figure(470, 520)
    answers, counts = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    answers.plot([0, 100], [0, 100], color=INK, alpha=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    answers.annotate(
        "dashed: perfect calibration",
        (0.02, 0.97),  # no point lies there: high accuracy at low confidence
        xycoords="axes fraction",
        va="top",
        fontsize=SMALL,
        alpha=SOFT,
    )
    for part in filled:
        x = 100 * part.confidence
        answers.plot([x, x], [100 * bound for bound in part.interval], color=BLUE, alpha=0.45, linewidth=3)
        answers.plot([x, x], [100 * part.accuracy, x], color=VERMILLION, linewidth=1.25)
    answers.plot(
        [100 * part.confidence for part in filled],
        [100 * part.accuracy for part in filled],
        color=BLUE,
        linestyle="none",
        marker="o",
        markersize=5.5,
    )
    answers.annotate(
        f"expected calibration error {percent(calibration.error)}",
        (0.98, 0.03),  # no point lies there: low accuracy at high confidence
        xycoords="axes fraction",
        ha="right",
        va="bottom",
    )
    answers.set(xlim=(0, 101), ylim=(-1.5, 101.5), ylabel="accuracy (%)")
    answers.grid(axis="both", color=INK, alpha=FAINT)
    width = 100 / len(calibration.bins)
    counts.bar(
        [100 * part.low for part in filled],
        [part.images for part in filled],
        width=0.92 * width,
        align="edge",
        color=BLUE,
        alpha=0.75,
    )
    counts.set(xlabel="confidence (%)", ylabel="images")
    counts.ticklabel_format(axis="y", style="plain")
    figure.align_ylabels()
    return figure
