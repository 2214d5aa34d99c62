"""Trains runs in processes that may be killed: it imports everything once and forks for each training.

It reads lines of JSON from standard input: a folder, in which a run is begun or, if there is one, gone on with; and a
`Trap` or null. For each it answers with the process's number, then lets it run, and at its end says `done` or `dead`.
Into the pipe whose number is given as argument goes `(` where a checkpoint's writing begins, `.` ahead of each call
to the disk within it, and `)` where it has ended.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch._dynamo  # an optimizer imports it when it is made, which takes seconds

import muslin.exports.safetensors  # noqa: F401  (so does the end of a training)
from helpers.reliability.disk import watched
from muslin.data import load_data
from muslin.design import parse_design
from muslin.runs.folder import list_runs
from muslin.training import checkpoint
from muslin.workflow.train import train
from reliability.conftest import RECIPE, TINY, hundred_images


class Trap(NamedTuple):
    """A place inside the writing of a checkpoint at which a process sends itself a signal.

    Which call it is doesn't depend on how fast the machine or its disk is.
    """

    save: int  # the how-manieth, from 0
    call: int  # the how-manieth within it, from 0; a file's content is half written by then
    signal: int


def marked(plain: Any, marks: int, root: Path, trap: Trap | None) -> Any:
    """`Checkpoints.save`, which tells of itself and may walk into the trap."""
    saves, calls = itertools.count(), itertools.count()

    def save(self: Any, snapshot: Any) -> Any:
        nonlocal calls
        number, calls = next(saves), itertools.count()

        def before(name: str, arguments: tuple[Any, ...]) -> None:
            os.write(marks, b".")
            if trap and (number, next(calls)) == (trap.save, trap.call):
                if name == "write":
                    path, content = arguments
                    with open(path, "wb") as half:  # noqa: PTH123  (Path's own writing is watched)
                        half.write(content[: len(content) // 2])
                os.kill(os.getpid(), trap.signal)

        os.write(marks, b"(")
        with watched(root, before):
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
    plain, marks = checkpoint.Checkpoints.save, int(sys.argv[1])
    checkpoint.Checkpoints.due = property(lambda _self: True)  # type: ignore[assignment, method-assign]
    print("ready", flush=True)
    for line in sys.stdin:
        folder, trap = json.loads(line)
        parent = Path(folder)
        child = os.fork()
        if not child:
            trapped = marked(plain, marks, parent, Trap(*trap) if trap else None)
            checkpoint.Checkpoints.save = trapped  # type: ignore[method-assign]
            runs = list_runs(parent)
            train(design, data, recipe, seed=7, out=parent, resume=runs[0].path if runs else None)
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print("done" if status == 0 else f"dead {status}", flush=True)


if __name__ == "__main__":
    main()
