from .calibration import Bin, Calibration, calibrate
from .claims import MEASURES, Checked, Facts, Measured, check, require_measurable
from .comparison import Improvement, compare
from .evaluation import Averages, ClassReport, Confusion, Evaluation
from .intervals import Interval, paired_difference, wilson

__all__ = [
    "MEASURES",
    "Averages",
    "Bin",
    "Calibration",
    "Checked",
    "ClassReport",
    "Confusion",
    "Evaluation",
    "Facts",
    "Improvement",
    "Interval",
    "Measured",
    "calibrate",
    "check",
    "compare",
    "paired_difference",
    "require_measurable",
    "wilson",
]
