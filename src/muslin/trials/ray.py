"""Work on a Ray cluster: more than one machine."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Self

from muslin._extras import require
from muslin.data import Dataset
from muslin.errors import TrainingError
from muslin.trials.executor import Answer, Job
from muslin.trials.shared import about, arrays_of

BATCHES_A_WORKER = 4  # so that the last batches end at about the same time
LARGEST_BATCH = 8  # jobs sent at once
RETRIES = 5  # of a job whose node was lost; losing a batch costs each of its unfinished jobs one retry
_TICK = 1.0  # seconds


class RayExecutor:
    """One-thread tasks on a Ray cluster.

    Jobs are sent in batches, and every answer returns as soon as it is available: when a node is lost, only its
    unfinished jobs are sent again. The data are sent to the cluster once and stay in each node's shared memory.

    Args:
        data: the data set that the jobs train on.
        address: address of a cluster, such as "auto" or "ray://head:10001" (default: the cluster that this process is
            connected to, or a new one on this machine).
        workers: number of jobs that run at the same time (default one per processor of the cluster).
        retries: number of retries of a job whose node was lost (default 5).

    Raises:
        TrainingError: Ray is not installed, or there is no cluster at `address`.
    """

    def __init__(
        self, data: Dataset, address: str | None = None, workers: int | None = None, *, retries: int = RETRIES
    ) -> None:
        self._ray = _import_ray()
        self.data, self.address, self.retries = data, address, retries
        self._asked = workers
        self._ours = False

    @property
    def workers(self) -> int:
        """Number of jobs that run at the same time."""
        return self._asked or max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def __enter__(self) -> Self:
        ray = self._ray
        if not ray.is_initialized():
            try:
                ray.init(address=self.address, log_to_driver=False, include_dashboard=False, configure_logging=False)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise TrainingError(
                    f"no Ray cluster at '{self.address or 'this machine'}': {str(error).splitlines()[0]} "
                    "Start one with `ray start --head`, or leave the address out."
                ) from error
            self._ours = True
        self._arrays = {name: ray.put(array) for name, array in arrays_of(self.data).items()}
        # max_retries=0: this class retries, since only it knows which answers have arrived.
        self._task = ray.remote(num_cpus=1, max_retries=0)(_work_on).options(
            num_returns="streaming", scheduling_strategy="SPREAD"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._arrays = {}
        if self._ours:
            self._ray.shutdown()

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """Run the jobs. Jobs of a lost node are sent again."""
        waiting, attempts = deque(jobs), {job.key: 0 for job in jobs}
        running: dict[Any, list[Job]] = {}  # stream of answers → jobs without an answer yet
        while waiting or running:
            while waiting and len(running) < self.workers:
                batch = self._next_batch(waiting)
                for job in batch:
                    attempts[job.key] += 1
                messages = [(job.key, job.message) for job in batch]
                running[self._task.remote(messages, self._arrays, about(self.data))] = batch
            ready, _ = self._ray.wait(list(running), timeout=_TICK)
            for stream in ready:
                try:
                    key, text, error = json.loads(self._ray.get(next(stream)))
                except StopIteration:
                    waiting.extendleft(reversed(running.pop(stream)))  # empty, unless a task ended early
                except self._ray.exceptions.RayError as problem:
                    yield from self._lost(running.pop(stream), attempts, waiting, str(problem))
                else:
                    running[stream] = [job for job in running[stream] if job.key != key]
                    yield Answer(key, text, error, attempts[key])

    def _next_batch(self, waiting: deque[Job]) -> list[Job]:
        size = min(LARGEST_BATCH, max(1, len(waiting) // (self.workers * BATCHES_A_WORKER)))
        return [waiting.popleft() for _ in range(size)]

    def _lost(self, owed: list[Job], attempts: dict[str, int], waiting: deque[Job], problem: str) -> Iterator[Answer]:
        for job in reversed(owed):
            if attempts[job.key] > self.retries:
                cause = f"the worker was lost {attempts[job.key]} times ({problem.strip().splitlines()[0]})"
                yield Answer(job.key, None, cause, attempts[job.key])
            else:
                waiting.appendleft(job)


def _work_on(messages: list[tuple[str, str]], arrays: dict[str, Any], described: str) -> Iterator[str]:
    """Body of a task: yields one answer after the other, as JSON (key, answer, error)."""
    import ray  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  (on the node that works)
    import torch  # noqa: PLC0415

    from muslin.trials.shared import assemble  # noqa: PLC0415
    from muslin.trials.trial import work  # noqa: PLC0415

    torch.set_num_threads(1)
    # Ray's shared memory is read-only, and torch requires writable memory: each task takes a copy.
    data = assemble({name: ray.get(array).copy() for name, array in arrays.items()}, described)
    for key, message in messages:
        try:
            yield json.dumps((key, work(message, data, lambda: None), None))
        except Exception as error:  # whatever it is, the study continues without this trial
            yield json.dumps((key, None, f"{type(error).__name__}: {error}"))


def _import_ray() -> Any:
    require("ray", TrainingError)
    import ray  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  (an extra)
    import ray.exceptions  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415

    return ray
