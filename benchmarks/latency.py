"""Latency of one image: Muslin's predictor (ONNX Runtime, same process) and Keras on TensorFlow, in alternating turns.

python benchmarks/latency.py --python .../bin/python
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from _peers import Peer, machine, timed, write
from keras_agreement import tensorflow_python

from muslin.design import load_design
from muslin.exports.predictor import Predictor
from muslin.network import Network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, help="Python with TensorFlow (default: set up in the cache)")
    parser.add_argument("--calls", type=int, default=200, help="Keras calls per turn; Muslin makes ten times as many")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    there = machine()
    design = load_design("custom_cnn")
    weights = {key: value.numpy() for key, value in Network(design).state_dict().items()}
    predictor = Predictor.from_weights(design, weights, threads=1)
    image = np.random.default_rng(0).integers(0, 256, (1, *design.input_shape), np.uint8)
    peer = Peer("keras-predict", chosen.python or tensorflow_python(), chosen.calls)
    times: dict[str, list[float]] = {"muslin": [], "keras predict": [], "keras call": []}
    for _ in range(chosen.rounds):
        answer = peer.turn()
        times["keras predict"] += answer["predict"]
        times["keras call"] += answer["call"]
        times["muslin"] += timed(lambda: predictor.probabilities(image), 10 * chosen.calls)
    peer.close()
    rows = {}
    print(f"{there['processor']}: milliseconds for one image")
    for name, values in times.items():
        p50, p99 = np.percentile(values, [50, 99])
        rows[name] = {"p50_ms": float(p50), "p99_ms": float(p99), "calls": len(values)}
        print(
            f"  {name:14} p50 {p50:8.3f}   p99 {p99:8.3f}   1/{rows['keras predict']['p50_ms'] / p50:.0f}"
            if name != "keras predict" and "keras predict" in rows
            else f"  {name:14} p50 {p50:8.3f}   p99 {p99:8.3f}"
        )
    ratio = rows["keras predict"]["p50_ms"] / rows["muslin"]["p50_ms"]
    print(f"  keras predict takes {ratio:.0f} times as long")
    write("latency", {"machine": there, "rows": rows, "ratio": ratio}, chosen.out)


if __name__ == "__main__":
    main()
