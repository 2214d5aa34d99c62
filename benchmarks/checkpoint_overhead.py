"""Cost of a checkpoint of custom_cnn: time to capture the state, and to write and flush the file.

python benchmarks/checkpoint_overhead.py [DATA]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from muslin.data import load_data
from muslin.design import load_design
from muslin.recipe import load_recipe
from muslin.training.callbacks import Callback
from muslin.training.checkpoint import Checkpoints
from muslin.training.fit import fit
from muslin.training.snapshot import capture
from muslin.training.state import Training


class SaveTwenty(Callback):
    """Times twenty saves during a training."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.capturing: list[float] = []
        self.saving: list[float] = []
        self.size = 0

    def on_step(self, training: Training) -> None:
        if not 5 <= training.step < 25:
            return
        started = time.perf_counter()
        snapshot = capture(training, [self], 0.0)
        self.capturing.append(time.perf_counter() - started)
        path = Checkpoints(self.folder).save(snapshot)
        self.saving.append(time.perf_counter() - started - self.capturing[-1])
        self.size = path.stat().st_size


def main() -> None:
    data = load_data(sys.argv[1]) if len(sys.argv) > 1 else load_data(sample=True)
    with tempfile.TemporaryDirectory(dir=".") as name:
        watch = SaveTwenty(Path(name))
        fit(load_design("custom_cnn"), data, load_recipe("fast").with_(epochs=2, batch_size=64), callbacks=[watch])
    capturing, saving = (1000 * statistics.median(times) for times in (watch.capturing, watch.saving))
    print(f"{watch.size:,} bytes: {capturing:.1f} ms to capture, {saving:.1f} ms to write and flush (medians of 20)")


if __name__ == "__main__":
    main()
