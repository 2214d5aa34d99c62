from .calibration import Bin, Calibration, calibrate
from .claims import Checked, check, require_measurable
from .class_report import Averages, ClassReport, Confusion
from .comparison import Improvement, compare
from .evaluation import Evaluation
from .intervals import Interval, paired_difference, wilson
from .measures import MEASURES, Facts, Measured

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
