"""Time of one prediction with ONNX Runtime in the same process, as in `muslin predict` and the page.

python benchmarks/predict_latency.py                    # all shipped designs, untrained: the speed is the same
python benchmarks/predict_latency.py --threads 2 --batch 250
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from muslin._words import count
from muslin.design import library, load_design
from muslin.engine.machine import processor
from muslin.exports.predictor import Predictor
from muslin.network import Network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1, help="images per call")
    parser.add_argument("--calls", type=int, default=5000)
    chosen = parser.parse_args()
    calls = f"{count(chosen.batch, 'image')} per call, {count(chosen.calls, 'call')}"
    print(f"{processor()}, {count(chosen.threads, 'thread')}, {calls}")
    for name in library():
        design = load_design(name)
        weights = {key: value.numpy() for key, value in Network(design).state_dict().items()}
        predictor = Predictor.from_weights(design, weights, threads=chosen.threads)
        images = np.random.default_rng(0).integers(0, 256, (chosen.batch, *design.input_shape), np.uint8)
        for _ in range(50):  # warm-up
            predictor.probabilities(images)
        times = np.empty(chosen.calls)
        for call in range(chosen.calls):
            start = time.perf_counter()
            predictor.probabilities(images)
            times[call] = time.perf_counter() - start
        half, late = np.percentile(times, [50, 99]) * 1e3
        print(f"  {name}: p50 {half:.3f} ms, p99 {late:.3f} ms, {chosen.batch / np.median(times):,.0f} images/s")


if __name__ == "__main__":
    main()
