"""Latency: the time that a network takes for one image."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from muslin.design import Design
from muslin.exports.predictor import Predictor
from muslin.network import Network

_ROUNDS = 5
_CALLS = 20  # in a round
_WARMUP = 3


def latencies(designs: Sequence[Design]) -> tuple[float, ...]:
    """Measure the latency of each design on one thread, exported and computed by ONNX Runtime.

    The designs are measured in alternating rounds, so that other load on the machine affects all of them; the smallest
    median of a round counts. The weights are untrained, because they do not affect the time.

    Args:
        designs: designs to measure.

    Returns:
        Seconds for one image, for each design.
    """
    predictors = [
        Predictor.from_weights(design, {name: array.numpy() for name, array in Network(design).state_dict().items()})
        for design in designs
    ]
    best = [float("inf")] * len(designs)
    for _ in range(_ROUNDS):
        for place, predictor in enumerate(predictors):
            image = np.zeros((1, *designs[place].input_shape), np.uint8)
            times = []
            for call in range(_WARMUP + _CALLS):
                started = time.perf_counter()
                predictor.probabilities(image)
                if call >= _WARMUP:
                    times.append(time.perf_counter() - started)
            best[place] = min(best[place], float(np.median(times)))
    return tuple(best)
