"""Trains runs in processes that may be killed: it imports everything once and forks for each training.

It reads lines from standard input: a folder and a seed, or `-` and a run to resume. For each it answers with the
process's number, then lets it run, and at its end says `done` or `dead`. While a checkpoint is being written, the
process has `(` as the last character in the pipe whose number is given as argument; otherwise `)`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # an optimizer imports it when it is made, which takes seconds

import muslin.export.safetensors  # noqa: F401  (so does the end of a training)
from muslin.data import load_data
from muslin.design import parse_design
from muslin.folder import list_runs
from muslin.training import checkpoint
from muslin.training_run import train
from reliability.conftest import RECIPE, TINY, hundred_images


def marked(plain: Any, marks: int) -> Any:
    def save(self: Any, snapshot: Any) -> Any:
        os.write(marks, b"(")
        path = plain(self, snapshot)
        os.write(marks, b")")
        return path

    return save


def main() -> None:
    """Serve until the input ends."""
    torch.set_num_threads(1)
    design, data = parse_design(TINY), hundred_images(load_data(sample=True))
    _ = data.fingerprint
    recipe = RECIPE.with_(epochs=12)
    checkpoint.Checkpoints.save = marked(checkpoint.Checkpoints.save, int(sys.argv[1]))  # type: ignore[method-assign]
    checkpoint.Checkpoints.due = property(lambda _self: True)  # type: ignore[assignment, method-assign]
    print("ready", flush=True)
    for line in sys.stdin:
        parent = Path(line.strip())
        child = os.fork()
        if not child:
            runs = list_runs(parent)
            train(design, data, recipe, seed=7, out=parent, resume=runs[0].path if runs else None)
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print("done" if status == 0 else f"dead {status}", flush=True)


if __name__ == "__main__":
    main()
