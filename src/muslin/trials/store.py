"""The study on disk: one SQLite file with one writer.

With write-ahead logging and full synchronization, a commit that has returned survives a killed process and a power
failure (SQLite documentation, "Write-Ahead Logging" and "PRAGMA synchronous").
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from muslin.errors import RunError
from muslin.trials.arm import Arm
from muslin.trials.trial import Result, Trial

FILE = "study.sqlite"
_FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS study (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS arms (
    key TEXT PRIMARY KEY, content TEXT NOT NULL, parameters INTEGER NOT NULL, macs INTEGER NOT NULL, latency REAL
) STRICT;
CREATE TABLE IF NOT EXISTS trials (
    key TEXT PRIMARY KEY, arm TEXT NOT NULL REFERENCES arms (key), seed INTEGER NOT NULL, accuracy REAL, loss REAL,
    seconds REAL, epochs INTEGER, shifts TEXT, cause TEXT, attempts INTEGER NOT NULL, finished TEXT NOT NULL
) STRICT;
"""


@dataclass(frozen=True)
class Row:
    """A finished trial, as kept.

    Attributes:
        key: key of the trial.
        arm: key of its arm.
        seed: seed of the trial.
        result: measurements; None if the trial failed.
        cause: why it failed; None if it did not.
        attempts: number of times it was started.
        finished: time of the end, in ISO format with time zone.
    """

    key: str
    arm: str
    seed: int
    result: Result | None
    cause: str | None
    attempts: int
    finished: str


@dataclass(frozen=True)
class ArmRow:
    """The cost of an arm, as kept.

    Attributes:
        key: key of the arm.
        parameters: number of parameters.
        macs: multiply-accumulate operations for one image.
        latency: seconds for one image; None until measured.
    """

    key: str
    parameters: int
    macs: int
    latency: float | None


class Store:
    """The file of a study; a context manager that closes it.

    Args:
        path: path of the file.
        create: whether to create a missing file (default False).

    Raises:
        RunError: there is no such file, it is not a study or damaged, or another process is writing to it.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        if not create and not path.is_file():
            raise RunError(f"there is no study at {path}. `muslin ablate` makes one; give its folder.")
        with self._explained():
            self._db = sqlite3.connect(path, timeout=5, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA trusted_schema = OFF")
            self._db.executescript(_TABLES)
            self._db.execute("INSERT OR IGNORE INTO study VALUES ('format', ?)", (str(_FORMAT),))
        if self.get("format") != str(_FORMAT):
            raise RunError(f"{path} was written by another version of Muslin (format {self.get('format')}).")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        with self._explained():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._db.close()

    def get(self, name: str) -> str | None:
        """Return the text under a name; None if there is none."""
        with self._explained():
            found = self._db.execute("SELECT value FROM study WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def put(self, name: str, value: str) -> None:
        """Write a text under a name."""
        with self._explained():
            self._db.execute("INSERT OR REPLACE INTO study VALUES (?, ?)", (name, value))

    def add_arm(self, arm: Arm, parameters: int, macs: int) -> None:
        """Write an arm, unless it is there."""
        content = json.dumps({"design": arm.design.name, "recipe_name": arm.recipe.name, **arm.content})
        with self._explained():
            self._db.execute(
                "INSERT OR IGNORE INTO arms VALUES (?, ?, ?, ?, NULL)", (arm.key, content, parameters, macs)
            )

    def set_latency(self, arm: str, seconds: float) -> None:
        """Write the latency of an arm, in seconds for one image."""
        with self._explained():
            self._db.execute("UPDATE arms SET latency = ? WHERE key = ?", (seconds, arm))

    def arms(self) -> dict[str, ArmRow]:
        """Return the cost of every arm, by key."""
        with self._explained():
            rows = self._db.execute("SELECT key, parameters, macs, latency FROM arms").fetchall()
        return {row[0]: ArmRow(*row) for row in rows}

    def arm_content(self, key: str) -> dict[str, Any]:
        """Return an arm's design and recipe as plain values."""
        with self._explained():
            found = self._db.execute("SELECT content FROM arms WHERE key = ?", (key,)).fetchone()
        content: dict[str, Any] = json.loads(found[0])
        return content

    def add_trial(self, trial: Trial, result: Result | None, cause: str | None, attempts: int) -> bool:
        """Write a finished trial, unless it is there; return whether it was written."""
        measured: tuple[Any, ...] = (None,) * 5
        if result is not None and result.cause is None:
            shifts = json.dumps(result.shifts)
            measured = (result.accuracy, result.loss, result.seconds, result.epochs, shifts)
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        failed = cause or (result.cause if result else None)
        values = (trial.key, trial.arm.key, trial.seed, *measured, failed, attempts, finished)
        with self._explained():
            done = self._db.execute("INSERT OR IGNORE INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        return done.rowcount == 1

    def trials(self) -> dict[str, Row]:
        """Every finished trial, by key."""
        with self._explained():
            rows = self._db.execute(
                "SELECT key, arm, seed, accuracy, loss, seconds, epochs, shifts, cause, attempts, finished FROM trials"
                " ORDER BY rowid"
            ).fetchall()
        return {row[0]: _row(row) for row in rows}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise RunError(
                f"the study {self.path} cannot be read or written: {error}. If another `muslin ablate` is working on "
                "it, let that finish; otherwise free some space or choose another folder (-o/--out)."
            ) from error
        except sqlite3.DatabaseError as error:
            raise RunError(f"{self.path} is not a study, or it is damaged: {error}.") from error


def _row(row: tuple[Any, ...]) -> Row:
    key, arm, seed, accuracy, loss, seconds, epochs, shifts, cause, attempts, finished = row
    result = None
    if accuracy is not None:
        result = Result(accuracy, loss, seconds, epochs, tuple(json.loads(shifts)))
    return Row(key, arm, seed, result, cause, attempts, finished)
