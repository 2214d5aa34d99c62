"""Lower bound of training cost: the multiplications that a design needs, and the machine's peak rate for them."""

from __future__ import annotations

from muslin.analysis import analyze
from muslin.design import Design
from muslin.engine.machine import matrix_peak
from muslin.training.outcome import Outcome


def operations(design: Design) -> dict[str, tuple[int, int]]:
    """Return floating-point operations per image in one training step, as (forward, backward) by layer.

    Forward takes two operations per multiply-accumulate, counted as `analyze` counts them. Backward takes the same
    number for the gradient of the weights and again for the gradient of the input, which the first layer does not need.
    """
    found: dict[str, tuple[int, int]] = {}
    first = True
    for row in analyze(design).layers:
        forward = 2 * row.macs
        found[row.name] = (forward, forward if first else 2 * forward)
        first = first and not row.parameters
    return found


def share_of_peak(design: Design, outcome: Outcome) -> float | None:
    """Return the achieved share of this machine's matrix-product peak, 0–1; None if not trained on its CPU."""
    if outcome.device != "cpu" or not outcome.images_per_second:
        return None
    per_image = sum(forward + backward for forward, backward in operations(design).values())
    return outcome.images_per_second * per_image / matrix_peak(outcome.precision, outcome.threads)
