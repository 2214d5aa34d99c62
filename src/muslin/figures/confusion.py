"""Draw the confusion matrix."""

from __future__ import annotations

from math import radians, sin

from matplotlib.figure import Figure

from muslin.evaluation import Evaluation
from muslin.figures.canvas import Canvas, needed, shortened
from muslin.figures.style import BLUE, INK, SMALL, TEXT, VERMILLION, WIDTH, styled

STRONG = 0.55  # opacity above which white numbers are readable on a cell, on any page
_SLOPE = 38  # degrees: of the names of the predicted classes
_LONGEST = 110  # CSS pixels of such a name


@styled
def confusion_matrix(evaluation: Evaluation, *, normalize: bool = False) -> Figure:
    """Draw the confusion matrix: rows are true classes, columns are predicted classes.

    Correct predictions are blue, errors are vermillion. The color's opacity grows with the square root of the share of
    the row, which keeps rare confusions visible.

    Args:
        evaluation: results on the test split; up to about 20 classes are readable.
        normalize: whether to print percentages of the row instead of counts (default False).
    """
    counts, names = evaluation.confusion, evaluation.class_names
    size = TEXT if len(names) <= 12 else SMALL
    left = 120.0
    top = 28 + max(_room(shortened(name, _LONGEST, TEXT)) for name in names)
    cell = min((WIDTH - left - 24) / len(names), 56)
    high = min(cell, 40)
    canvas = Canvas(top + high * len(names) + 8, left + cell * len(names) + 66)
    canvas.text(left - 10, top - 12, "true ↓   predicted →", align="right", soft=True)
    for row, name in enumerate(names):
        y = top + high * (row + 0.5)
        canvas.text(left - 10, y, name, align="right", size=TEXT, room=left - 12)
        canvas.text(
            left + cell * (row + 0.5) - 4,
            top - 8,
            name,
            size=TEXT,
            room=_LONGEST,
            rotation=_SLOPE,
            rotation_mode="anchor",
            va="baseline",
        )
        total = counts[row].sum()
        for column in range(len(names)):
            share = counts[row, column] / total if total else 0.0
            if counts[row, column] == 0:
                canvas.text(left + cell * (column + 0.5), y, "·", align="center", size=size, soft=True)
                continue
            opacity = 0.08 + 0.87 * share**0.5
            color = BLUE if row == column else VERMILLION
            canvas.box(left + cell * column + 1, y - high / 2 + 1, cell - 2, high - 2, color, opacity)
            words = f"{100 * share:.1f}" if normalize else f"{counts[row, column]}"
            ink = "white" if opacity >= STRONG else INK
            canvas.text(left + cell * (column + 0.5), y, words, align="center", size=size, color=ink)
    return canvas.figure


def _room(name: str) -> float:
    """Return the height of a sloping name in CSS pixels."""
    return needed(name, TEXT) * sin(radians(_SLOPE))
