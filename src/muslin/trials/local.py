"""Trials on this machine, in long-lived processes of one thread each."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Self

from muslin.data import Dataset
from muslin.trials.executor import Answer, Job
from muslin.trials.shared import share

PATIENCE = 300.0  # seconds without a heartbeat after which a worker counts as hung
RETRIES = 2  # retries of a job whose worker was lost
_TICK = 1.0  # seconds between checks of the heartbeats
_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "PYTHONUTF8": "1",  # names in messages may have any characters, also on Windows
}


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    job: Job | None = None
    heard: float = field(default_factory=time.monotonic)
    reader: threading.Thread | None = None

    @property
    def output(self) -> IO[bytes]:
        assert self.process.stdout is not None  # noqa: S101  (a pipe, as started)
        return self.process.stdout

    def send(self, job: Job) -> None:
        assert self.process.stdin is not None  # noqa: S101  (a pipe, as started)
        self.job, self.heard = job, time.monotonic()
        with contextlib.suppress(OSError):  # the process has ended, which `_read` notices
            self.process.stdin.write(job.message.encode() + b"\n")
            self.process.stdin.flush()


@dataclass(frozen=True)
class _Heard:
    """Output of a worker, or the reason why there will be none.

    Attributes:
        text: the answer.
        error: message of an error in the job.
        loss: reason why the worker is lost.
    """

    text: str | None = None
    error: str | None = None
    loss: str = ""


class LocalExecutor:
    """Processes on this machine.

    Two processes of one thread each complete more small trainings per minute than one process of two threads, because
    threads wait for the slowest one at the end of every operation.

    Args:
        data: the data set that the jobs train on; written to `folder` once and memory-mapped by every worker.
        folder: folder for the data, which are removed at the end, and for the workers' log.
        workers: number of processes (default one per processor).
        patience: seconds without a heartbeat after which a worker is terminated and its job retried (default 300).
        retries: number of retries of a job whose worker was lost (default 2).
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
        self._lines: SimpleQueue[tuple[_Worker, bytes]] = SimpleQueue()  # an empty line: the worker ended

    @property
    def _images(self) -> Path:
        return self.folder / "images"

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids of the workers."""
        return tuple(worker.process.pid for worker in self._running)

    def __enter__(self) -> Self:
        share(self.data, self._images)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in list(self._running):
            self._end(worker)
        for path in self._images.iterdir():
            path.unlink()
        self._images.rmdir()

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """Run the jobs. A worker that dies, hangs or runs out of memory is replaced, and its job is retried."""
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
        """Yield answers and losses of workers, after waiting for a line of output or a tick."""
        with contextlib.suppress(Empty):
            worker, line = self._lines.get(timeout=_TICK)
            if worker in self._running:
                if not line:
                    yield worker, _Heard(loss=f"the worker ended ({_describe_code(worker.process.wait())})")
                elif line[:1] == b"=":
                    yield worker, _Heard(text=line[1:].decode())
                elif line[:1] == b"#":
                    yield worker, _Heard(loss="the worker ran out of memory")
                elif line[:1] == b"!":
                    yield worker, _Heard(error=json.loads(line[1:]))
        for worker in list(self._running):
            if worker.job and time.monotonic() - worker.heard > self.patience:
                yield worker, _Heard(loss=f"the worker gave no heartbeat for {self.patience:g} s")

    def _start(self) -> None:
        with (self.folder / "workers.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  (this interpreter, on our own folder)
                [sys.executable, "-P", "-m", "muslin.trials.worker", str(self._images)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | _ENVIRONMENT,
                start_new_session=True,  # Ctrl-C goes to the study, which then ends its workers …
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # … also on Windows
            )
        worker = _Worker(process)
        self._running.append(worker)
        # A thread per pipe, since Windows cannot wait for several pipes at once.
        worker.reader = threading.Thread(target=self._read, args=(worker,), daemon=True)
        worker.reader.start()

    def _read(self, worker: _Worker) -> None:
        for line in worker.output:
            worker.heard = time.monotonic()
            if line.endswith(b"\n"):  # otherwise the process was killed while it wrote the line
                self._lines.put((worker, line.rstrip(b"\r\n") or b"."))
        self._lines.put((worker, b""))
        worker.output.close()

    def _end(self, worker: _Worker) -> None:
        self._running.remove(worker)
        worker.process.kill()
        worker.process.wait()
        if worker.process.stdin is not None:
            with contextlib.suppress(OSError):
                worker.process.stdin.close()
        if worker.reader is not None:
            worker.reader.join(_TICK)


def processors() -> int:
    """Return the number of processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _describe_code(code: int) -> str:
    return f"signal {-code}" + (", perhaps out of memory" if code == -9 else "") if code < 0 else f"status {code}"
