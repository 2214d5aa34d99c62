"""Mutation testing: make small changes to the code, and check that a test fails.

    python tools/mutation.py                        150 changes per area, drawn with seed 0 (half an hour)
    python tools/mutation.py --sample 0             all changes (several hours)
    python tools/mutation.py --only data --seed 1   another draw in one area
    python tools/mutation.py --seed 1 --earlier 0 150  the same, and also the result without an earlier draw

The section `[tool.mutmut]` of pyproject.toml lists the files to change and the tests to run. A change that no test
executes counts as undetected. Undetected changes are listed; `mutmut show NAME` prints one.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from muslin.evaluation.intervals import wilson

AREAS = {
    "analysis": "muslin.analysis.",
    "data": "muslin.data.",
    "checkpoint": "muslin.training.",
    "statistics": "muslin.ablation.",
}
NOTICED = ("killed", "timeout", "segfault", "caught by type check")
FEW = "muslin.ablation.verdict.*__mutmut_1"
MUTMUT = Path(sys.executable).with_name("mutmut")
# Each change is tested in a fork, which threads do not survive.
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def mutmut(*arguments: str) -> str:
    done = subprocess.run([MUTMUT, *arguments], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"mutmut {arguments[0]} failed:\n{done.stdout[-2000:]}")
    return done.stdout


def statuses() -> dict[str, str]:
    """Return the status of each change by its name."""
    lines = re.findall(r"^ *(muslin\.\S+): (.+)$", mutmut("results", "--all", "true"), re.MULTILINE)
    return dict(lines)


def draw(names: list[str], number: int, seed: int) -> list[str]:
    names = sorted(names)
    return random.Random(seed).sample(names, min(number, len(names))) if number else names  # noqa: S311


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutation testing.")
    parser.add_argument("--sample", type=int, default=150, help="number of changes per area, 0 for all (default 150)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw (default 0)")
    parser.add_argument("--only", choices=AREAS, action="append", help="area to test, repeatable (default: all)")
    parser.add_argument(
        "--earlier",
        type=int,
        nargs=2,
        metavar=("SEED", "SAMPLE"),
        help="earlier draw, after which tests were written; changes outside it are also reported separately",
    )
    parser.add_argument(
        "--least", type=float, default=0.85, help="smallest share of detected changes in each area (default 0.85)"
    )
    arguments = parser.parse_args()

    mutmut("run", "--max-children", "1", FEW)  # generates all changes and finds the tests that execute them
    known = list(statuses())
    of_area = {area: [name for name in known if name.startswith(AREAS[area])] for area in arguments.only or AREAS}
    drawn = {area: draw(names, arguments.sample, arguments.seed) for area, names in of_area.items()}
    mutmut("run", "--max-children", "1", *(name for names in drawn.values() for name in names))

    found, enough = statuses(), True
    for area, names in drawn.items():
        survivors = [name for name in names if found[name] not in NOTICED]
        enough &= len(names) - len(survivors) >= arguments.least * len(names)
        print(f"{area}: {_share(names, survivors)}; {len(of_area[area]):,} changes in total")
        if arguments.earlier:
            seed, sample = arguments.earlier
            fresh = set(names).difference(draw(of_area[area], sample, seed))
            print(f"  outside the earlier draw: {_share(fresh, fresh.intersection(survivors))}")
        print(*(f"  {found[name]}: {name}" for name in sorted(survivors)), sep="\n")
    return 0 if enough else 1


def _share(names: Collection[str], survivors: Collection[str]) -> str:
    noticed = len(names) - len(survivors)
    low, high = wilson(noticed, len(names))
    return f"{noticed} of {len(names)} detected, {noticed / len(names):.1%} [{low:.1%}, {high:.1%}]"


if __name__ == "__main__":
    sys.exit(main())
