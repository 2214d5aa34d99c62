"""Temperature scaling: one number, fitted on validation images, that makes probabilities say how often they are right.

Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int64

HOTTEST = 20.0  # temperatures between this and its reciprocal are tried
_SMALLEST = float(np.finfo(np.float32).tiny)  # replaces probabilities that underflowed


def fit_temperature(probabilities: Float[np.ndarray, "image class"], labels: Int64[np.ndarray, " image"]) -> float:
    """Find the temperature with the smallest cross-entropy.

    Args:
        probabilities: predicted class probabilities; each row sums to 1.
        labels: true class numbers.

    Returns:
        T, from 1/20 to 20. Above 1 the network was overconfident, below 1 underconfident.

    >>> sure = np.array([[0.99, 0.01]] * 4)  # but right three times out of four
    >>> round(fit_temperature(sure, np.array([0, 0, 0, 1])), 2)
    4.18
    """
    from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]  # noqa: PLC0415

    logits = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))
    own = np.arange(len(labels)), labels

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[own]).mean())

    limit = np.log(HOTTEST)
    return float(np.exp(minimize_scalar(loss, bounds=(-limit, limit), method="bounded").x))


def tempered(probabilities: Float[np.ndarray, "image class"], temperature: float) -> Float[np.ndarray, "image class"]:
    """Return the probabilities that the same logits give when they are divided by a temperature.

    >>> tempered(np.array([[0.8, 0.2]], np.float32), 1.0).round(3).tolist()
    [[0.800000011920929, 0.20000000298023224]]
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    scaled = np.exp(logits)
    result: np.ndarray = (scaled / scaled.sum(axis=1, keepdims=True)).astype(np.float32)
    return result
