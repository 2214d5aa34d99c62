"""Time from start to exit of several commands, in alternating order; medians of wall-clock seconds."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from _peers import machine, write

COMMANDS = {
    "python": ["-c", "pass"],
    "muslin --help": ["-m", "muslin", "--help"],
    "muslin analyze": ["-m", "muslin", "analyze"],
    "import torch": ["-c", "import torch"],
    "import muslin.training.loop": ["-c", "import muslin.training.loop"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(chosen.rounds):
        for name, arguments in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - started)
    rows = {name: statistics.median(values) for name, values in times.items()}
    for name, seconds in rows.items():
        print(f"  {name:30}{seconds:7.2f} s")
    write("startup", {"machine": machine(), "seconds": rows}, chosen.out)


if __name__ == "__main__":
    main()
