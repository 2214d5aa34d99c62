"""Peak memory of a process that trains one epoch on the full data.

python benchmarks/memory.py --python .../bin/python
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _peers import Peer, machine, precisions, write
from keras_agreement import tensorflow_python


def peak_of(command: list[str]) -> float:
    """Return the peak memory of a command's own process in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, help="Python with TensorFlow (default: set up in the cache)")
    parser.add_argument("--data", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    there, rows = machine(), {}
    where = ["--data", str(chosen.data)] if chosen.data else []
    for precision in precisions():
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "muslin", "train", "-q", "--epochs", "1", "--precision", precision]
            rows[f"muslin train, {precision}"] = peak_of([*command, "-o", folder, *where])
    peer = Peer("keras-tensorflow", chosen.python or tensorflow_python(), 54_000)
    rows["keras fit, float32"] = peer.turn()["peak_mib"]
    peer.close()
    for name, peak in rows.items():
        print(f"  {name:24}{peak:8,.0f} MiB")
    write("memory", {"machine": there, "peak_mib": rows}, chosen.out)


if __name__ == "__main__":
    main()
