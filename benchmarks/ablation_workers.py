"""Trials per minute with one and two workers of one thread each, and with one process of two threads.

    python benchmarks/ablation_workers.py            # custom_cnn on the sample, about two minutes
    python benchmarks/ablation_workers.py --data DIR --steps 200

Requires an idle machine with two cores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import muslin
from muslin.engine.machine import pick_device, pick_precision
from muslin.trials.arm import Arm
from muslin.trials.executor import Job
from muslin.trials.local import LocalExecutor
from muslin.trials.trial import Trial, work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--steps", type=int, default=120, help="training steps per trial")
    parser.add_argument("--trials", type=int, default=4, help="trials per worker")
    options = parser.parse_args()
    data = muslin.load_data(options.data) if options.data else muslin.load_data(sample=True)
    recipe = muslin.load_recipe("fast")
    repeated = np.resize(np.arange(len(data.train)), options.steps * recipe.batch_size)
    data = replace(data, train=data.train.subset(repeated), validation=data.validation.subset(np.arange(100)))
    arm = Arm(muslin.load_design("custom_cnn").edited(()), recipe.with_(epochs=1))
    precision = pick_precision(pick_device("cpu"))

    def jobs(count: int, first: int) -> list[Job]:
        trials = [Trial(arm, first + n, data.fingerprint, vary_split=False, precision=precision) for n in range(count)]
        return [Job(trial.key, trial.to_json()) for trial in trials]

    rates = {}
    for workers in (1, 2, 1, 2):
        with tempfile.TemporaryDirectory() as folder, LocalExecutor(data, Path(folder), workers) as executor:
            list(executor.run(jobs(workers, 1_000)))  # starts the processes
            count = options.trials * workers
            started = time.perf_counter()
            assert all(answer.text for answer in executor.run(jobs(count, 0)))
            rate = 60 * count / (time.perf_counter() - started)
            rates.setdefault(f"{workers} worker{'s' * (workers > 1)}, one thread each", []).append(rate)
    torch.set_num_threads(2)
    started = time.perf_counter()
    for job in jobs(options.trials, 0):
        json.loads(work(job.message, data, lambda: None))
    rates["one process, two threads"] = [60 * options.trials / (time.perf_counter() - started)]
    for name, values in rates.items():
        print(f"{name:<28} {max(values):6.1f} trials per minute")
    one, two = max(rates["1 worker, one thread each"]), max(rates["2 workers, one thread each"])
    print(f"speed-up of two workers over one: × {two / one:.2f}")


if __name__ == "__main__":
    main()
