"""How long one prediction takes through ONNX Runtime in the same process, as `muslin predict` and the page do it.

python benchmarks/predict_latency.py                    # the library's designs, untrained: speed is the same
python benchmarks/predict_latency.py --threads 2 --batch 250
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from muslin.design import library, load_design
from muslin.engine.machine import processor
from muslin.exports.predictor import Predictor
from muslin.network import Network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1, help="images in one call")
    parser.add_argument("--calls", type=int, default=5000)
    chosen = parser.parse_args()
    print(f"{processor()}, {chosen.threads} thread(s), {chosen.batch} image(s) a call, {chosen.calls:,} calls")
    for name in library():
        design = load_design(name)
        weights = {key: value.numpy() for key, value in Network(design).state_dict().items()}
        predictor = Predictor.from_weights(design, weights, threads=chosen.threads)
        images = np.random.default_rng(0).integers(0, 256, (chosen.batch, *design.input_shape), np.uint8)
        for _ in range(50):  # until caches and the allocator have settled
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
