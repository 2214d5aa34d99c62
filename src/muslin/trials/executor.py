"""The interface of an executor, which runs the jobs of a study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self


@dataclass(frozen=True)
class Job:
    """A message for `muslin.trials.trial.work`.

    Attributes:
        key: unique key that the answer carries.
        message: the message.
    """

    key: str
    message: str


@dataclass(frozen=True)
class Answer:
    """The result of a job.

    Attributes:
        key: key of the job.
        text: the answer; None if all attempts failed.
        cause: reason for the failure; None if there is an answer.
        attempts: number of times the job was started.
    """

    key: str
    text: str | None
    cause: str | None
    attempts: int


class Executor(Protocol):
    """Runs jobs in any order; use it as a context manager, which starts and stops its workers."""

    @property
    def workers(self) -> int:
        """Number of jobs that run at the same time."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """Run the jobs and yield one answer per job, each as soon as it is available."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
