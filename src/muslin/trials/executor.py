"""Where work is done: what an executor is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self


@dataclass(frozen=True)
class Job:
    """A message for `muslin.trials.trial.work`, and a name to know the answer by."""

    key: str
    message: str


@dataclass(frozen=True)
class Answer:
    """What came of a job.

    Attributes:
        text: the answer; None if there is none after all attempts.
        cause: why there is none.
        attempts: how often it was started.
    """

    key: str
    text: str | None
    cause: str | None
    attempts: int


class Executor(Protocol):
    """Does jobs, in any order; `with executor:` starts and stops what it needs."""

    @property
    def workers(self) -> int:
        """How many jobs are done at a time."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """Do the jobs; each answer comes as soon as it is there, each job once."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
