"""How long a recipe trains the library's network, and how accurate it gets, over seeds.

python benchmarks/time_to_accuracy.py                         # recipe fast, ten seeds
python benchmarks/time_to_accuracy.py --recipe best --seeds 5 6

Nothing is chosen by the test split: it is only reported.
"""

from __future__ import annotations

import argparse
import resource
import statistics
from pathlib import Path

from _peers import machine, write

from muslin.data import load_data
from muslin.design import load_design
from muslin.network import predict
from muslin.recipe import load_recipe
from muslin.training.fit import fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--design", default="custom_cnn")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--data", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    data, design, recipe = load_data(chosen.data), load_design(chosen.design), load_recipe(chosen.recipe)
    there, rows = machine(), []
    print(f"recipe {recipe.name}, {there['processor']}, {there['threads']} threads")
    for seed in chosen.seeds:
        fitted = fit(design, data, recipe, seed=seed)
        right = predict(fitted.network, data.test.images).argmax(1) == data.test.labels
        row = {
            "seed": seed,
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
    summary = {
        "mean_test_accuracy": statistics.mean(row["test_accuracy"] for row in rows),
        "lowest_test_accuracy": min(row["test_accuracy"] for row in rows),
        "deviation": statistics.stdev(row["test_accuracy"] for row in rows) if len(rows) > 1 else None,
        "median_seconds": statistics.median(row["seconds"] for row in rows),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "fused": list(fitted.outcome.fused),
        "precision": fitted.outcome.precision,
    }
    print(
        f"  {len(rows)} seeds: test {summary['mean_test_accuracy']:.2%} on average, at least "
        f"{summary['lowest_test_accuracy']:.2%}; {summary['median_seconds']:.1f} s, {summary['peak_mib']:,.0f} MiB"
    )
    result = {"machine": there, "recipe": recipe.model_dump(), "data": data.source, "runs": rows, **summary}
    write(f"time_to_accuracy_{recipe.name}", result, chosen.out)


if __name__ == "__main__":
    main()
