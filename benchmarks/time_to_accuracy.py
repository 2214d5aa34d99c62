"""Training time and accuracy of custom_cnn with a recipe, over seeds.

python benchmarks/time_to_accuracy.py                         # recipe fast, ten seeds
python benchmarks/time_to_accuracy.py --recipe best --seeds 5 6
python benchmarks/time_to_accuracy.py --join one.json other.json

The test split is only reported; nothing is chosen by it.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from _peers import machine, write

from muslin._words import count
from muslin.data import load_data
from muslin.design import load_design
from muslin.network import predict
from muslin.recipe import load_recipe
from muslin.training.fit import fit


def train(chosen: argparse.Namespace) -> dict[str, Any]:
    """Train one seed after the other and return the results."""
    data, design, recipe = load_data(chosen.data), load_design(chosen.design), load_recipe(chosen.recipe)
    there, rows = machine(), []
    print(f"recipe {recipe.name}, {there['processor']}, {count(there['threads'], 'thread')}")
    for seed in chosen.seeds:
        started = time.perf_counter()
        fitted = fit(design, data, recipe, seed=seed, device=chosen.device)
        whole = time.perf_counter() - started
        right = predict(fitted.network, data.test.images).argmax(1) == data.test.labels
        row = {
            "seed": seed,
            "threads": fitted.outcome.threads,
            "seconds": fitted.outcome.seconds,
            "with_preparations": whole,
            "epochs": fitted.outcome.epochs,
            "steps_seconds": sum(fitted.history.column("seconds")),
            "images_per_second": fitted.outcome.images_per_second,
            "validation_accuracy": fitted.history.kept(fitted.outcome.restored_epoch).validation_accuracy,
            "test_accuracy": float(right.mean()),
        }
        rows.append(row)
        print(
            f"  seed {seed}: {row['seconds']:6.1f} s, {row['images_per_second']:6,.0f} images/s, "
            f"validation {row['validation_accuracy']:.2%}, test {row['test_accuracy']:.2%}",
            flush=True,
        )
    return {
        "machine": there,
        "design": design.name,
        "recipe": recipe.model_dump(),
        "data": data.fingerprint,
        "runs": rows,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "fused": list(fitted.outcome.fused),
        "precision": fitted.outcome.precision,
    }


def join(files: list[Path]) -> dict[str, Any]:
    """Join the results that several processes measured for one recipe."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    for each in found:
        for what in ("design", "recipe", "data", "fused", "precision"):
            if each.get(what) != found[0].get(what):
                sys.exit(f"the files cannot be joined: they differ in {what}.")
        for what in ("processor", "torch"):
            if each["machine"][what] != found[0]["machine"][what]:
                sys.exit(f"the files cannot be joined: their machines or versions differ ({what}).")
    rows = sorted((row for each in found for row in each["runs"]), key=lambda row: row["seed"])
    if len({row["seed"] for row in rows}) < len(rows):
        sys.exit("the files cannot be joined: they share a seed.")
    return {**found[0], "runs": rows, "peak_mib": max(each["peak_mib"] for each in found)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--design", default="custom_cnn")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--device", help="device, as for `muslin train`")
    parser.add_argument("--join", type=Path, nargs="+", metavar="FILE", help="join these results instead of training")
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    result = join(chosen.join) if chosen.join else train(chosen)
    rows = result["runs"]
    result |= {
        "mean_test_accuracy": statistics.mean(row["test_accuracy"] for row in rows),
        "lowest_test_accuracy": min(row["test_accuracy"] for row in rows),
        "deviation": statistics.stdev(row["test_accuracy"] for row in rows) if len(rows) > 1 else None,
        "median_seconds": statistics.median(row["seconds"] for row in rows),
    }
    print(
        f"  {count(len(rows), 'seed')}: test {result['mean_test_accuracy']:.2%} on average, at least "
        f"{result['lowest_test_accuracy']:.2%}; {result['median_seconds']:.1f} s, {result['peak_mib']:,.0f} MiB"
    )
    write(f"time_to_accuracy_{result['recipe']['name']}", result, chosen.out)


if __name__ == "__main__":
    main()
