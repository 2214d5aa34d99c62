"""The measures that claims can name, and where each is taken from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal, TypeAlias

from muslin.analysis import Analysis

if TYPE_CHECKING:
    from muslin.evaluation import Evaluation, Interval
    from muslin.evaluation.corruptions import Robustness

Value: TypeAlias = float | tuple[int, ...]


@dataclass(frozen=True)
class Facts:
    """The measurements that claims are checked against; None for anything that the run did not measure.

    Attributes:
        analysis: static analysis of the design, with a comparison if it has a baseline.
        training_images: number of images that the network was trained on (default None).
        evaluation: evaluation of the design on the test split (default None).
        baseline: evaluation of the baseline on the test split, trained in the same run (default None).
        robustness: accuracy of the design on corrupted test images (default None).
    """

    analysis: Analysis
    training_images: int | None = None
    evaluation: Evaluation | None = None
    baseline: Evaluation | None = None
    robustness: Robustness | None = None


@dataclass(frozen=True)
class Measured:
    """A measured quantity.

    Attributes:
        value: number or shape.
        interval: 95% interval of the value, for quantities estimated from a sample of images (default None).
    """

    value: Value
    interval: Interval | None = None


@dataclass(frozen=True)
class Measure:
    """A quantity that claims may be about.

    Attributes:
        meaning: description of the quantity.
        unit: suffix of the number, including a leading space if it needs one.
        of_layer: whether a claim about the quantity needs a layer.
        take: function that reads the quantity from the facts, and returns None if the run did not measure it.
        shape: whether the quantity is a shape, such as (height, width), rather than one number (default False).
    """

    meaning: str
    unit: str
    of_layer: bool
    take: Callable[[Facts, str], Measured | None]
    shape: bool = False


def _known(value: Value | None) -> Measured | None:
    return None if value is None else Measured(value)


def _accuracy(evaluation: Evaluation | None) -> Measured | None:
    if evaluation is None:
        return None
    from muslin.evaluation import Interval  # noqa: PLC0415  (imports NumPy, which reading claims does not need)

    low, high = evaluation.accuracy_interval
    return Measured(100 * evaluation.accuracy, Interval(100 * low, 100 * high))


def _gain(facts: Facts) -> Measured | None:
    if facts.evaluation is None or facts.baseline is None:
        return None
    from muslin.evaluation import compare  # noqa: PLC0415  (imports NumPy, which reading claims does not need)

    improvement = compare(facts.evaluation, facts.baseline)
    return Measured(improvement.points, improvement.interval)


def _against_baseline(facts: Facts, field: Literal["parameters", "saved"]) -> Measured | None:
    comparison = facts.analysis.comparison
    return Measured(getattr(comparison, field)) if comparison else None


MEASURES: Mapping[str, Measure] = {
    "parameters": Measure("parameters of the design", "", False, lambda facts, _: Measured(facts.analysis.parameters)),
    "macs": Measure(
        "multiply-accumulate operations for one image", "", False, lambda facts, _: Measured(facts.analysis.macs)
    ),
    "baseline_parameters": Measure(
        "parameters of the baseline", "", False, lambda facts, _: _against_baseline(facts, "parameters")
    ),
    "parameters_saved": Measure(
        "reduction in parameters compared with the baseline, in percent",
        "%",
        False,
        lambda facts, _: _against_baseline(facts, "saved"),
    ),
    "output_shape": Measure(
        "shape of a layer's output",
        "",
        True,
        lambda facts, layer: Measured(facts.analysis.layer(layer).output_shape),
        shape=True,
    ),
    "values_in": Measure(
        "number of values in a layer's input",
        "",
        True,
        lambda facts, layer: Measured(prod(facts.analysis.layer(layer).input_shape)),
    ),
    "receptive_field": Measure(
        "height and width of a layer's receptive field, in input pixels",
        "",
        True,
        lambda facts, layer: Measured(facts.analysis.layer(layer).receptive_field.size),
        shape=True,
    ),
    "training_images": Measure(
        "number of images that the network was trained on", "", False, lambda facts, _: _known(facts.training_images)
    ),
    "test_accuracy": Measure(
        "accuracy on the test split, in percent", "%", False, lambda facts, _: _accuracy(facts.evaluation)
    ),
    "balanced_accuracy": Measure(
        "mean recall of the classes on the test split, in percent",
        "%",
        False,
        lambda facts, _: None if facts.evaluation is None else Measured(100 * facts.evaluation.balanced_accuracy),
    ),
    "robust_accuracy": Measure(
        "mean accuracy on test images with eight corruptions at five severities, in percent",
        "%",
        False,
        lambda facts, _: None if facts.robustness is None else Measured(100 * facts.robustness.mean),
    ),
    "baseline_test_accuracy": Measure(
        "accuracy of the baseline on the test split, in percent", "%", False, lambda facts, _: _accuracy(facts.baseline)
    ),
    "accuracy_gain": Measure(
        "test accuracy minus that of the baseline, in percentage points",
        " points",
        False,
        lambda facts, _: _gain(facts),
    ),
}
