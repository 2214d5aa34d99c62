"""Metrics of single classes, of all classes together, and of pairs that are confused."""

from __future__ import annotations

from dataclasses import dataclass

from muslin._display import line, quoted
from muslin._words import count, percent
from muslin.evaluation.intervals import Interval


@dataclass(frozen=True)
class ClassReport:
    """Metrics of one class, each 0–1.

    Attributes:
        name: name of the class.
        precision: share of the images predicted as this class that belong to it; 0 if there are none.
        recall: share of the images of this class that are predicted as it (the accuracy of the class).
        f1: harmonic mean of precision and recall; 0 if both are 0.
        support: number of images of this class; at least one.
        recall_interval: 95% interval of the recall (Wilson).
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    recall_interval: Interval

    def __repr__(self) -> str:
        scores = f"precision {percent(self.precision)}, recall {percent(self.recall)}, F1 {percent(self.f1)}"
        return line("ClassReport", quoted(self.name), scores, count(self.support, "image"))


@dataclass(frozen=True)
class Averages:
    """Precision, recall and F1 averaged over the classes, each 0–1."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """One cell of the confusion matrix off its diagonal.

    Attributes:
        true: name of the true class.
        predicted: name of the predicted class.
        images: number of images.
        share: share of all images of the true class, 0–1.
    """

    true: str
    predicted: str
    images: int
    share: float
