"""Work on this machine: processes of one thread each, started once and kept."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from muslin.data import Dataset
from muslin.trials.executor import Answer, Job
from muslin.trials.shared import share

PATIENCE = 300.0  # seconds without a sign of life after which a worker counts as hung
RETRIES = 2  # of a job whose worker was lost
_TICK = 1.0  # seconds between looks at the clock
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    job: Job | None = None
    heard: float = field(default_factory=time.monotonic)
    rest: bytes = b""  # of a line that is not complete yet

    @property
    def output(self) -> IO[bytes]:
        assert self.process.stdout is not None  # noqa: S101  (a pipe, as started)
        return self.process.stdout

    def send(self, job: Job) -> None:
        assert self.process.stdin is not None  # noqa: S101  (a pipe, as started)
        self.job, self.heard = job, time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # it has ended: its output will say so
            self.process.stdin.write(job.message.encode() + b"\n")
            self.process.stdin.flush()


@dataclass(frozen=True)
class _Heard:
    """What a worker said, or why it will say nothing any more."""

    text: str | None = None
    error: str | None = None
    loss: str = ""


class LocalExecutor:
    """Processes on this machine.

    Two processes of one thread each do more small trainings a minute than one of two threads: nothing waits for the
    slower thread at the end of every operation.

    Args:
        data: what the jobs work on; written to `folder` once and mapped by every worker.
        folder: for the data, removed at the end, and the workers' log.
        workers: processes; one for each processor by default.
        patience: seconds without a sign of life after which a worker is ended and its job tried again.
        retries: how often a job is tried again whose worker was lost.
    """

    def __init__(
        self,
        data: Dataset,
        folder: Path,
        workers: int | None = None,
        *,
        patience: float = PATIENCE,
        retries: int = RETRIES,
    ) -> None:
        self.data, self.folder = data, folder
        self.workers = workers or processors()
        self.patience, self.retries = patience, retries
        self._running: list[_Worker] = []
        self._selector = selectors.DefaultSelector()

    @property
    def _images(self) -> Path:
        return self.folder / "images"

    @property
    def processes(self) -> tuple[int, ...]:
        """The workers' process numbers."""
        return tuple(worker.process.pid for worker in self._running)

    def __enter__(self) -> Self:
        share(self.data, self._images)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in list(self._running):
            self._end(worker)
        self._selector.close()
        for path in self._images.iterdir():
            path.unlink()
        self._images.rmdir()

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """Do the jobs; a worker that dies, hangs or runs out of memory is replaced, and its job tried again."""
        waiting, attempts = deque(jobs), {job.key: 0 for job in jobs}
        while waiting or any(worker.job for worker in self._running):
            while len(self._running) < min(self.workers, len(jobs)):
                self._start()
            for worker in self._running:
                if worker.job is None and waiting:
                    attempts[waiting[0].key] += 1
                    worker.send(waiting.popleft())
            for worker, answer in self._listen():
                done, worker.job = worker.job, None
                if answer.loss:
                    self._end(worker)
                if done is None:
                    continue
                tries = attempts[done.key]
                if not answer.loss:
                    yield Answer(done.key, answer.text, answer.error, tries)
                elif tries > self.retries:
                    yield Answer(done.key, None, f"{answer.loss}, {tries} times", tries)
                else:
                    waiting.appendleft(done)

    def _listen(self) -> Iterator[tuple[_Worker, _Heard]]:
        """Workers that answered or were lost."""
        for key, _ in self._selector.select(_TICK):
            worker: _Worker = key.data
            received = os.read(worker.output.fileno(), 1 << 20)
            if not received:
                yield worker, _Heard(loss=f"the worker ended ({_describe_code(worker.process.wait())})")
                continue
            worker.heard = time.monotonic()
            *lines, worker.rest = (worker.rest + received).split(b"\n")
            for line in lines:
                if line[:1] == b"=":
                    yield worker, _Heard(text=line[1:].decode())
                elif line[:1] == b"#":
                    yield worker, _Heard(loss="the worker ran out of memory")
                elif line[:1] == b"!":
                    yield worker, _Heard(error=json.loads(line[1:]))
        for worker in list(self._running):
            if worker.job and time.monotonic() - worker.heard > self.patience:
                yield worker, _Heard(loss=f"the worker gave no sign of life for {self.patience:g} s")

    def _start(self) -> None:
        with (self.folder / "workers.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  (this interpreter, on a folder of ours)
                [sys.executable, "-P", "-m", "muslin.trials.worker", str(self._images)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | _ONE_THREAD,
                start_new_session=True,  # Ctrl-C is for the study, which then ends its workers
            )
        worker = _Worker(process)
        self._running.append(worker)
        self._selector.register(worker.output, selectors.EVENT_READ, worker)

    def _end(self, worker: _Worker) -> None:
        self._running.remove(worker)
        self._selector.unregister(worker.output)
        worker.process.kill()
        worker.process.wait()
        for stream in (worker.process.stdin, worker.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def processors() -> int:
    """How many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _describe_code(code: int) -> str:
    return f"signal {-code}" + (", perhaps out of memory" if code == -9 else "") if code < 0 else f"status {code}"
