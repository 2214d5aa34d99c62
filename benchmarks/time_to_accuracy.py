"""How long a recipe trains the library's network, and how accurate it gets, over seeds.

python benchmarks/time_to_accuracy.py                         # recipe fast, ten seeds
python benchmarks/time_to_accuracy.py --recipe best --seeds 5 6
python benchmarks/time_to_accuracy.py --join one.json other.json

Nothing is chosen by the test split: it is only reported.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
from pathlib import Path
from typing import Any

from _peers import machine, write

from muslin.data import load_data
from muslin.design import load_design
from muslin.network import predict
from muslin.recipe import load_recipe
from muslin.training.fit import fit


def train(recipe_name: str, design_name: str, data_path: Path | None, seeds: list[int]) -> dict[str, Any]:
    """One training after the other."""
    data, design, recipe = load_data(data_path), load_design(design_name), load_recipe(recipe_name)
    there, rows = machine(), []
    print(f"recipe {recipe.name}, {there['processor']}, {there['threads']} threads")
    for seed in seeds:
        fitted = fit(design, data, recipe, seed=seed)
        right = predict(fitted.network, data.test.images).argmax(1) == data.test.labels
        row = {
            "seed": seed,
            "threads": fitted.outcome.threads,
            "seconds": fitted.outcome.seconds,
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
        "recipe": recipe.model_dump(),
        "data": data.source,
        "runs": rows,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "fused": list(fitted.outcome.fused),
        "precision": fitted.outcome.precision,
    }


def join(files: list[Path]) -> dict[str, Any]:
    """What several processes measured of one recipe, as if one had."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    for what in ("recipe", "data", "fused", "precision"):
        if any(each[what] != found[0][what] for each in found):
            sys.exit(f"These files can't be joined: they differ in {what}.")
    rows = sorted((row for each in found for row in each["runs"]), key=lambda row: row["seed"])
    if len({row["seed"] for row in rows}) < len(rows):
        sys.exit("These files can't be joined: a seed is in two of them.")
    return {**found[0], "runs": rows, "peak_mib": max(each["peak_mib"] for each in found)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--design", default="custom_cnn")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--join", type=Path, nargs="+", metavar="FILE", help="train nothing: join what was measured")
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    named = (chosen.recipe, chosen.design, chosen.data)
    result = join(chosen.join) if chosen.join else train(*named, chosen.seeds)
    rows = result["runs"]
    result |= {
        "mean_test_accuracy": statistics.mean(row["test_accuracy"] for row in rows),
        "lowest_test_accuracy": min(row["test_accuracy"] for row in rows),
        "deviation": statistics.stdev(row["test_accuracy"] for row in rows) if len(rows) > 1 else None,
        "median_seconds": statistics.median(row["seconds"] for row in rows),
    }
    print(
        f"  {len(rows)} seeds: test {result['mean_test_accuracy']:.2%} on average, at least "
        f"{result['lowest_test_accuracy']:.2%}; {result['median_seconds']:.1f} s, {result['peak_mib']:,.0f} MiB"
    )
    write(f"time_to_accuracy_{result['recipe']['name']}", result, chosen.out)


if __name__ == "__main__":
    main()
