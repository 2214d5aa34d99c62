"""Evaluation: the predictions of a network on a split, and the metrics computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from muslin._display import line, panel, paragraph, table
from muslin._words import between, count, listed, percent
from muslin.errors import RunError
from muslin.evaluation.calibration import Calibration, calibrate
from muslin.evaluation.class_report import Averages, ClassReport, Confusion
from muslin.evaluation.intervals import Interval, wilson

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32, Int64

# The smallest normal float32. It replaces only probabilities that underflowed, which keeps the loss finite. A larger
# bound (Keras clips at 1e-7) would understate the loss of a network that is confident and wrong.
SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The predictions of a network on a split, with the true labels.

    Attributes:
        labels: true class numbers, shape (image,).
        probabilities: predicted class probabilities, shape (image, class); each row sums to 1.
        class_names: names of the classes, in the order of their numbers.

    Raises:
        RunError: if the shapes do not fit together, or a value is not a probability.
    """

    labels: Int64[np.ndarray, " image"]
    probabilities: Float32[np.ndarray, "image class"]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        images, classes = len(self.labels), len(self.class_names)
        if self.labels.shape != (images,) or self.probabilities.shape != (images, classes) or images == 0:
            raise RunError(
                f"labels of shape {self.labels.shape} and probabilities of shape {self.probabilities.shape} do not fit "
                f"together: an evaluation needs one label and {classes} probabilities for every image, and at least "
                "one image. Evaluate the run again."
            )
        if self.labels.min() < 0 or self.labels.max() >= classes:
            raise RunError(
                f"labels from {self.labels.min()} to {self.labels.max()} do not fit {classes} classes "
                f"(0–{classes - 1}). Evaluate the run on the data set that it was trained on."
            )
        sums = self.probabilities.sum(axis=1, dtype=np.float64)
        wrong = ~(np.abs(sums - 1) <= SUM_TOLERANCE) | (self.probabilities < 0).any(axis=1)
        if wrong.any():
            image = int(wrong.argmax())
            raise RunError(
                f"probabilities of image {image} are {self.probabilities[image].tolist()}; they must be at least 0 "
                "and sum to 1. The weights are damaged, or training diverged; train the run again."
            )

    def __str__(self) -> str:
        low, high = self.accuracy_interval
        balanced = "" if self.even else f"balanced accuracy {self.balanced_accuracy:.2%}, "
        return (
            f"accuracy {self.accuracy:.2%} [{low:.2%}, {high:.2%}], {balanced}loss {self.loss:.4f}, "
            f"{len(self.labels):,} images of {len(self.class_names)} classes"
        )

    def __repr__(self) -> str:
        return line("Evaluation", str(self))

    def _repr_html_(self) -> str:
        low, high = self.accuracy_interval
        rows = [
            (
                report.name,
                percent(report.precision),
                percent(report.recall),
                between(100 * report.recall_interval.low, 100 * report.recall_interval.high, 1, "%"),
                percent(report.f1),
                f"{report.support:,}",
            )
            for report in self.per_class
        ]
        macro = self.macro
        mean = (percent(macro.precision), percent(macro.recall), "", percent(macro.f1))
        wrong = [
            f"{pair.true} taken for {pair.predicted} ({count(pair.images, 'image')})" for pair in self.top_confusions(3)
        ]
        return panel(
            f"Accuracy {percent(self.accuracy, 2)}",
            f"95% interval {between(100 * low, 100 * high, 2, '%')}, balanced accuracy "
            f"{percent(self.balanced_accuracy, 2)}, loss {self.loss:.4f}, {count(len(self.labels), 'image')}",
            table(
                ("class", "precision", "recall", "95% interval", "F1", "images"),
                rows,
                total=("mean", *mean, f"{len(self.labels):,}"),
            ),
            paragraph(f"Most frequent confusions: {'; '.join(wrong)}." if wrong else ""),
            paragraph(" ".join(self.cautions)),
        )

    @cached_property
    def predictions(self) -> Int64[np.ndarray, " image"]:
        """The most probable class of each image; the first one if several are equal."""
        best: np.ndarray = self.probabilities.argmax(axis=1)
        return best.astype(np.int64)

    @cached_property
    def confidences(self) -> Float32[np.ndarray, " image"]:
        """The probability of each prediction."""
        highest: np.ndarray = self.probabilities.max(axis=1)
        return highest

    @cached_property
    def right(self) -> Bool[np.ndarray, " image"]:
        """Whether each prediction is correct."""
        right: np.ndarray = self.predictions == self.labels
        return right

    @cached_property
    def loss(self) -> float:
        """Mean cross-entropy in nats."""
        given = self.probabilities[np.arange(len(self.labels)), self.labels].astype(np.float64)
        return float(-np.log(np.maximum(given, SMALLEST_PROBABILITY)).mean())

    @cached_property
    def accuracy(self) -> float:
        """The share of correct predictions, 0–1."""
        return float(self.right.mean())

    @cached_property
    def accuracy_interval(self) -> Interval:
        """The 95% interval of the accuracy (Wilson), 0–1."""
        return wilson(int(self.right.sum()), len(self.labels))

    @cached_property
    def confusion(self) -> Int64[np.ndarray, "true predicted"]:
        """The number of images by true class (row) and predicted class (column)."""
        classes = len(self.class_names)
        pairs = np.bincount(self.labels * classes + self.predictions, minlength=classes**2)
        return pairs.reshape(classes, classes).astype(np.int64)

    @cached_property
    def per_class(self) -> tuple[ClassReport, ...]:
        """The metrics of every class that has images, in the order of class numbers."""
        reports = []
        for number, name in enumerate(self.class_names):
            if name in self.untested:
                continue
            hits = int(self.confusion[number, number])
            support, called = int(self.confusion[number].sum()), int(self.confusion[:, number].sum())
            reports.append(
                ClassReport(
                    name=name,
                    precision=_share(hits, called),
                    recall=_share(hits, support),
                    f1=_share(2 * hits, support + called),
                    support=support,
                    recall_interval=wilson(hits, support),
                )
            )
        return tuple(reports)

    @cached_property
    def untested(self) -> tuple[str, ...]:
        """Names of the classes without images; they have no figures and count in no mean."""
        counts = self.confusion.sum(axis=1)
        return tuple(name for name, images in zip(self.class_names, counts.tolist(), strict=True) if not images)

    @cached_property
    def macro(self) -> Averages:
        """The unweighted mean over the classes that have images."""
        return self._averages([1] * len(self.per_class))

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes, 0–1: what guessing leaves at one over their number, however unequal."""
        return self.macro.recall

    @cached_property
    def largest_class(self) -> tuple[str, float]:
        """The most frequent class and its share of the images: the accuracy of always saying it."""
        most = max(self.per_class, key=lambda report: report.support)
        return most.name, most.support / len(self.labels)

    @cached_property
    def only_answer(self) -> str | None:
        """The class that every image is predicted as; None if there are several."""
        first = int(self.predictions[0])
        return self.class_names[first] if bool((self.predictions == first).all()) else None

    @property
    def even(self) -> bool:
        """Whether all classes have the same number of images, so that balanced accuracy equals accuracy."""
        return len({report.support for report in self.per_class}) == 1

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader of the accuracy should know, one sentence each: guessing, unequal or missing classes."""
        name, share = self.largest_class
        said = []
        if self.only_answer is not None:
            said.append(f"Every image is predicted as {self.only_answer}: the network has learned nothing else.")
        elif self.accuracy_interval.low <= share:
            said.append(f"Always saying {name} would score {percent(share, 2)}; this accuracy is not clearly above it.")
        elif not self.even:
            said.append(f"Always saying {name}, the largest class, would score {percent(share, 2)}.")
        if self.untested:
            said.append(f"No images of {listed(self.untested)}: no figures, and not counted in the means.")
        return tuple(said)

    @cached_property
    def weighted(self) -> Averages:
        """The mean over the classes, weighted by their number of images."""
        return self._averages([report.support for report in self.per_class])

    @cached_property
    def calibration(self) -> Calibration:
        """Confidence compared with accuracy, in 15 bins."""
        return calibrate(self.confidences, self.right)

    def top_confusions(self, k: int = 10) -> tuple[Confusion, ...]:
        """Return the most frequent confusions, most frequent first.

        Args:
            k: largest number of confusions to return (default 10).
        """
        wrong = self.confusion * (1 - np.eye(len(self.class_names), dtype=np.int64))
        order = np.argsort(-wrong, axis=None, kind="stable")[:k]
        rows, columns = np.unravel_index(order, wrong.shape)
        return tuple(
            Confusion(
                true=self.class_names[row],
                predicted=self.class_names[column],
                images=int(wrong[row, column]),
                share=_share(int(wrong[row, column]), int(self.confusion[row].sum())),
            )
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            if wrong[row, column]
        )

    def confidently_wrong(self, k: int = 20) -> Int64[np.ndarray, " chosen"]:
        """Return the indices of the wrong predictions with the highest confidence, highest first.

        Args:
            k: largest number of indices to return (default 20).
        """
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(-self.confidences[wrong], kind="stable")][:k]

    def summary(self) -> dict[str, Any]:
        """Convert all metrics to plain values for JSON. Intervals are [low, high]."""
        return {
            "images": len(self.labels),
            "loss": self.loss,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "balanced_accuracy": self.balanced_accuracy,
            "largest_class": {"name": self.largest_class[0], "share": self.largest_class[1]},
            "only_answer": self.only_answer,
            "macro": vars(self.macro).copy(),
            "weighted": vars(self.weighted).copy(),
            "per_class": [
                vars(report) | {"recall_interval": list(report.recall_interval)} for report in self.per_class
            ],
            "confusion": self.confusion.tolist(),
            "top_confusions": [vars(confusion).copy() for confusion in self.top_confusions()],
            "calibration": self.calibration.to_dict(),
        }

    def _averages(self, weights: Sequence[int]) -> Averages:
        def mean(values: Sequence[float]) -> float:
            return float(np.average(values, weights=weights))

        return Averages(
            precision=mean([report.precision for report in self.per_class]),
            recall=mean([report.recall for report in self.per_class]),
            f1=mean([report.f1 for report in self.per_class]),
        )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
