"""Mutation testing: change the code in small ways, and see whether a test notices.

    python tools/mutation.py                        150 changes in each area, drawn by seed 0: half an hour
    python tools/mutation.py --sample 0             all of them: some hours
    python tools/mutation.py --only data --seed 1   another draw in one area
    python tools/mutation.py --seed 1 --earlier 0 150  the same, and apart what no draw of 150 by seed 0 had

Which files are changed and which tests have to notice stands under `[tool.mutmut]` in pyproject.toml. A change that no
test runs at all counts as unnoticed. Survivors are listed; `mutmut show NAME` prints one.
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
# Threads don't outlive the fork that each change is tried in.
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def mutmut(*arguments: str) -> str:
    done = subprocess.run([MUTMUT, *arguments], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"mutmut {arguments[0]} failed:\n{done.stdout[-2000:]}")
    return done.stdout


def statuses() -> dict[str, str]:
    """What became of each change, by its name."""
    lines = re.findall(r"^ *(muslin\.\S+): (.+)$", mutmut("results", "--all", "true"), re.MULTILINE)
    return dict(lines)


def draw(names: list[str], number: int, seed: int) -> list[str]:
    names = sorted(names)
    return random.Random(seed).sample(names, min(number, len(names))) if number else names  # noqa: S311


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutation testing.")
    parser.add_argument("--sample", type=int, default=150, help="changes in each area; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=AREAS, action="append", help="an area; may be given more than once")
    parser.add_argument(
        "--earlier",
        type=int,
        nargs=2,
        metavar=("SEED", "SAMPLE"),
        help="an earlier draw, after which tests were written: what it had not is counted apart as well",
    )
    parser.add_argument("--least", type=float, default=0.85, help="share that must be noticed in each area")
    arguments = parser.parse_args()

    mutmut("run", "--max-children", "1", FEW)  # makes all the changes, and finds out which tests run them
    known = list(statuses())
    of_area = {area: [name for name in known if name.startswith(AREAS[area])] for area in arguments.only or AREAS}
    drawn = {area: draw(names, arguments.sample, arguments.seed) for area, names in of_area.items()}
    mutmut("run", "--max-children", "1", *(name for names in drawn.values() for name in names))

    found, enough = statuses(), True
    for area, names in drawn.items():
        survivors = [name for name in names if found[name] not in NOTICED]
        enough &= len(names) - len(survivors) >= arguments.least * len(names)
        print(f"{area}: {_share(names, survivors)}; {len(of_area[area]):,} changes there are")
        if arguments.earlier:
            seed, sample = arguments.earlier
            fresh = set(names).difference(draw(of_area[area], sample, seed))
            print(f"  in no earlier draw: {_share(fresh, fresh.intersection(survivors))}")
        print(*(f"  {found[name]}: {name}" for name in sorted(survivors)), sep="\n")
    return 0 if enough else 1


def _share(names: Collection[str], survivors: Collection[str]) -> str:
    noticed = len(names) - len(survivors)
    low, high = wilson(noticed, len(names))
    return f"{noticed} of {len(names)} noticed, {noticed / len(names):.1%} [{low:.1%}, {high:.1%}]"


if __name__ == "__main__":
    sys.exit(main())
