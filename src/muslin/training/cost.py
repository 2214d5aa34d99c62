"""What training costs at least: the multiplications that a design asks for, and the machine's ceiling for them."""

from __future__ import annotations

from muslin.analysis import analyze
from muslin.design import Design
from muslin.engine.machine import matrix_peak
from muslin.training.outcome import Outcome


def operations(design: Design) -> dict[str, tuple[int, int]]:
    """Floating-point operations per image and layer, forward and backward, of one training step.

    Two for each multiply-accumulate of the design, counted as `analyze` counts them; the backward pass makes as many
    for the gradient of the weights and as many for that of the input, of which the first layer has no need.
    """
    found: dict[str, tuple[int, int]] = {}
    first = True
    for row in analyze(design).layers:
        forward = 2 * row.macs
        found[row.name] = (forward, forward if first else 2 * forward)
        first = first and not row.parameters
    return found


def share_of_peak(design: Design, outcome: Outcome) -> float | None:
    """The share of this machine's matrix-product peak that training steps reached; None if not trained on its CPU."""
    if outcome.device != "cpu" or not outcome.images_per_second:
        return None
    per_image = sum(forward + backward for forward, backward in operations(design).values())
    return outcome.images_per_second * per_image / matrix_peak(outcome.precision, outcome.threads)
