"""From predictions to figures that hold: accuracy, confusions, calibration, comparison, with their uncertainty."""

from muslin.evaluation.calibration import Bin, Calibration, calibrate
from muslin.evaluation.comparison import Improvement, compare
from muslin.evaluation.evaluation import Averages, ClassReport, Confusion, Evaluation
from muslin.evaluation.intervals import Interval, paired_difference, wilson

__all__ = [
    "Averages",
    "Bin",
    "Calibration",
    "ClassReport",
    "Confusion",
    "Evaluation",
    "Improvement",
    "Interval",
    "calibrate",
    "compare",
    "paired_difference",
    "wilson",
]
