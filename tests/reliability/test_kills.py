"""Killed at any moment, a training goes on from its last save and ends with the same bits."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.reliability.scale import report, times
from helpers.reliability.victim import Trap
from muslin.runs.folder import RunFolder, list_runs
from muslin.training.checkpoint import Checkpoints

pytestmark = pytest.mark.trains  # in processes of their own

KILLS = times(10, 200)


class Victims:
    """Trainings in processes of their own; see victim.py."""

    def __init__(self) -> None:
        self.marks, into = os.pipe()
        os.set_blocking(self.marks, False)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "helpers.reliability.victim", str(into)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[into],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        )
        os.close(into)
        assert self._line() == "ready"

    def start(self, parent: Path, trap: Trap | None = None) -> int:
        assert self.process.stdin is not None
        self.seen()
        self.process.stdin.write(json.dumps([str(parent), trap]) + "\n")
        self.process.stdin.flush()
        return int(self._line())

    def end(self) -> bool:
        """Whether it came to its end by itself."""
        return self._line() == "done"

    def seen(self) -> bytes:
        """The marks made since the last call; waits a moment for one."""
        try:
            select.select([self.marks], [], [], 0.001)
            return os.read(self.marks, 1 << 16)
        except BlockingIOError:
            return b""

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
        os.close(self.marks)


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    victims = Victims()
    yield victims
    victims.close()


def weights(parent: Path) -> str:
    (folder,) = list_runs(parent)
    assert folder.record.outcome is not None
    assert folder.record.outcome.end == "finished"
    columns = [folder.history.column(name) for name in ("loss", "accuracy", "validation_loss", "learning_rate")]
    return hashlib.sha256(folder.weights_path.read_bytes() + repr(columns).encode()).hexdigest()


@pytest.mark.timeout(1800)
def test_killed_at_any_moment_it_ends_with_the_same_bits(victims: Victims, tmp_path: Path) -> None:
    started = time.perf_counter()
    victims.start(tmp_path / "whole")
    assert victims.end()
    takes = time.perf_counter() - started
    saves = victims.seen().decode().split("(")[1:]
    whole = weights(tmp_path / "whole")

    chance = random.Random(2)
    inside = lost = same = unreadable = resumes = 0
    for kill in range(KILLS):
        parent = tmp_path / str(kill)
        if kill % 2:  # at any time
            process = victims.start(parent)
            time.sleep(chance.uniform(0, takes))
            with contextlib.suppress(ProcessLookupError):  # done before
                os.kill(process, signal.SIGKILL)
        else:  # while a checkpoint is written
            save = chance.randrange(len(saves))
            victims.start(parent, Trap(save, chance.randrange(saves[save].count(".")), signal.SIGKILL))
        resumes += not victims.end()
        marks = victims.seen()
        inside += marks.count(b"(") > marks.count(b")")
        completed = marks.count(b")")
        for folder in list_runs(parent):
            try:
                _ = RunFolder.open(folder.path).design
                found = Checkpoints(folder.checkpoints_path).load()
                is_done = folder.record.outcome is not None
                lost += not is_done and completed > 0 and found is None
            except Exception:
                unreadable += 1
        victims.start(parent)
        assert victims.end()
        same += weights(parent) == whole
        (folder,) = list_runs(parent)
        left = sorted(path.name for path in folder.path.iterdir())
        assert left == ["design.toml", "history.csv", "model.safetensors", "run.json"]
    report(
        f"kills: {KILLS} SIGKILLs ({resumes} before the end, {inside} inside the writing of a checkpoint); runs that "
        f"can't be read: {unreadable}; saves lost: {lost}; same weights and history: {same} of {KILLS}"
    )
    assert (unreadable, lost, same) == (0, 0, KILLS)
    assert inside >= KILLS // 2


def test_a_second_process_is_refused_and_the_owner_named(victims: Victims, tmp_path: Path) -> None:
    process = victims.start(tmp_path, Trap(0, 0, signal.SIGSTOP))  # holds the lock for as long as this takes
    patience = time.monotonic() + 100
    while b"." not in victims.seen():
        assert time.monotonic() < patience
    (folder,) = list_runs(tmp_path)
    with (
        pytest.raises(Exception, match=rf"is locked by another process \(pid {process} on "),
        folder.at_work(),
    ):
        pass
    os.kill(process, signal.SIGKILL)
    victims.end()
    with folder.at_work():  # a dead owner's lock is free
        assert (folder.path / ".lock").exists()
    assert not (folder.path / ".lock").exists()
