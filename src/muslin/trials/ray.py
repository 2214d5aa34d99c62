"""Work on a Ray cluster: more than one machine."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Self

from muslin.data import Dataset
from muslin.errors import TrainingError
from muslin.trials.executor import Answer, Job
from muslin.trials.shared import about, arrays_of

BATCHES_A_WORKER = 4  # so that the last batches end at about the same time
LARGEST_BATCH = 8  # jobs: what is sent at once
RETRIES = 5  # of a job whose node was lost; a batch loses a try for all of its jobs that were not done
START_SECONDS = 120.0  # to wait for the cluster
_TICK = 1.0  # seconds


class RayExecutor:
    """One-thread tasks on a Ray cluster.

    Jobs are sent in batches, and every answer comes back as soon as it is there: when a node is lost, what its tasks
    had under way is sent again, and nothing else. The data go to the cluster once and stay in each node's shared
    memory.

    Args:
        data: what the jobs work on.
        address: of a cluster, such as "auto" or "ray://head:10001"; by default the cluster that this process is
            connected to, or a new one on this machine.
        workers: jobs at a time; by default one for each processor of the cluster.
        retries: how often a job is tried again whose node was lost.

    Raises:
        TrainingError: Ray is not installed, or there is no cluster at that address.
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
        """How many jobs are done at a time."""
        return self._asked or max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def __enter__(self) -> Self:
        ray = self._ray
        if not ray.is_initialized():
            try:
                ray.init(address=self.address, log_to_driver=False, include_dashboard=False, configure_logging=False)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise TrainingError(
                    f"there is no Ray cluster at '{self.address or 'this machine'}': {str(error).splitlines()[0]} "
                    "Start one with `ray start --head`, or leave --address out."
                ) from error
            self._ours = True
        self._arrays = {name: ray.put(array) for name, array in arrays_of(self.data).items()}
        # max_retries=0: trying again is ours, since only we know what has come back.
        self._task = ray.remote(num_cpus=1, max_retries=0)(_work_on).options(
            num_returns="streaming", scheduling_strategy="SPREAD"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._arrays = {}
        if self._ours:
            self._ray.shutdown()

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """Do the jobs; those of a lost node are sent again."""
        waiting, attempts = deque(jobs), {job.key: 0 for job in jobs}
        running: dict[Any, list[Job]] = {}  # stream of answers → jobs that it still owes
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
                    waiting.extendleft(reversed(running.pop(stream)))  # nothing, unless a task ended early
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
    """What a task does: one answer after the other, as JSON (key, answer, error)."""
    import ray  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  (on the node that works)
    import torch  # noqa: PLC0415

    from muslin.trials.shared import assemble  # noqa: PLC0415
    from muslin.trials.trial import work  # noqa: PLC0415

    torch.set_num_threads(1)
    # What lies in Ray's shared memory can't be written to, which torch asks for: a copy for each task.
    data = assemble({name: ray.get(array).copy() for name, array in arrays.items()}, described)
    for key, message in messages:
        try:
            yield json.dumps((key, work(message, data, lambda: None), None))
        except Exception as error:  # whatever it is, the study goes on without this trial
            yield json.dumps((key, None, f"{type(error).__name__}: {error}"))


def _import_ray() -> Any:
    try:
        import ray  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  (an extra)
        import ray.exceptions  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415
    except ImportError as error:
        raise TrainingError("Ray is not installed. Get it with: pip install ray") from error
    return ray
