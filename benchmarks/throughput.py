"""Training throughput of custom_cnn in images per second: Muslin and other frameworks in alternating turns.

python benchmarks/throughput.py --python .../bin/python    # with TensorFlow, and JAX if available
python benchmarks/throughput.py --only muslin-float32 muslin-float32-plain
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from _peers import machine, precisions, take_turns, write
from keras_agreement import tensorflow_python

from muslin._words import count
from muslin.design import load_design
from muslin.engine.machine import measure_matrix_peak
from muslin.training.cost import operations

OURS = ("muslin-float32", "muslin-float32-plain", "muslin-bfloat16", "muslin-bfloat16-plain")
PEERS = ("keras-tensorflow", "keras-torch", "torch-tutorial", "jax")


def _all() -> list[str]:
    """Return every worker that this machine's instructions support."""
    return [name for name in OURS if name.split("-")[1] in precisions()] + list(PEERS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, help="Python with TensorFlow (default: set up in the cache)")
    parser.add_argument("--images", type=int, default=13_568, help="images per turn (default: a quarter of an epoch)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=OURS + PEERS, default=_all())
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    per_image = sum(map(sum, operations(load_design("custom_cnn")).values()))
    there = machine()
    needs_python = {"keras-tensorflow", "jax"} & set(chosen.only)
    other = (chosen.python or tensorflow_python()) if needs_python else Path()
    peaks: dict[str, list[float]] = {kind: [] for kind in precisions()}

    def measure_peaks() -> None:
        for kind, readings in peaks.items():
            readings.append(measure_matrix_peak(kind) / 1e9)

    pythons = {"keras-tensorflow": other, "jax": other}
    rates = take_turns(list(chosen.only), pythons, chosen.images, chosen.rounds, measure_peaks)
    # Measured between the turns, because the machine's speed varies.
    peak = {kind: round(statistics.median(readings), 1) for kind, readings in peaks.items()}
    base = rates.get("keras-tensorflow", next(iter(rates.values())))["images_per_second"]
    threads = count(there["threads"], "thread")
    print(f"{there['processor']}, {threads}, batch 128, medians of {count(chosen.rounds, 'turn')}")
    print(f"{'':22}images/s   s/epoch     ratio  of the peak  peak MiB")
    for name, row in rates.items():
        kind = "bfloat16" if "bfloat16" in name else "float32"
        share = row["images_per_second"] * per_image / (peak[kind] * 1e9)
        row |= {"ratio": row["images_per_second"] / base, "share_of_peak": share, "precision": kind}
        print(
            f"  {name:20}{row['images_per_second']:8,.0f}{54_000 / row['images_per_second']:12.1f}{row['ratio']:8.2f}"
            f"{share:9.0%} {kind:9}{row['peak_mib']:6,.0f}"
        )
    write(
        "throughput", {"machine": there, "images_a_turn": chosen.images, "peak_gflops": peak, "rows": rates}, chosen.out
    )


if __name__ == "__main__":
    main()
