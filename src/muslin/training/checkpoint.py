"""Checkpoints: snapshots of a training on disk; at least one complete generation always exists.

A file is the text `muslin checkpoint`, a format number, the SHA-256 of everything after it, and a safetensors file with
the arrays; the safetensors metadata hold the remaining state as JSON. The file is written under a temporary name,
flushed to disk and renamed, and the directory is flushed too. The last two generations are kept, so that a damaged
newest file can be replaced by the one before it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load, save

from muslin._disk.files import write_bytes
from muslin.errors import RunError
from muslin.training.snapshot import FORMAT, Snapshot

SECONDS = 10.0  # minimum time between saves within an epoch
GENERATIONS = 2
WITHIN = "teacher-*"  # subfolders with the checkpoints of teachers
MOST_BYTES = 2**31

_MAGIC = b"muslin checkpoint"
_HEAD = len(_MAGIC) + 1 + hashlib.sha256().digest_size
_KEY = "state"
_NAME = re.compile(r"step-(\d{10})\.checkpoint")


class Checkpoints:
    """The checkpoints of one training.

    Args:
        folder: folder of the checkpoints; created with the first one.
        resume: whether to resume from the newest complete checkpoint, if there is one (default False). If False,
            existing checkpoints are deleted.
        seconds: minimum time between saves within an epoch, in seconds (default 10). The end of an epoch is always
            saved.
        say: function that receives messages for the user, such as a skipped damaged checkpoint.
    """

    def __init__(
        self,
        folder: Path,
        *,
        resume: bool = False,
        seconds: float = SECONDS,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.folder = folder
        self.resume = resume
        self.seconds = seconds
        self.say = say
        self._saved = time.monotonic()

    def within(self, name: str) -> Checkpoints:
        """Return the checkpoints of a subordinate training, kept in subfolder `name`."""
        return Checkpoints(self.folder / name, resume=self.resume, seconds=self.seconds, say=self.say)

    @property
    def due(self) -> bool:
        """Whether at least `seconds` have passed since the last save."""
        return time.monotonic() - self._saved >= self.seconds

    def begin(self) -> Snapshot | None:
        """Return the snapshot to resume from; None if training starts from the beginning.

        Raises:
            RunError: there are checkpoints, but none is complete.
        """
        if self.resume:
            return self.load()
        self.drop()
        return None

    def save(self, snapshot: Snapshot) -> Path:
        """Write a new generation, then delete all but the last two.

        Raises:
            MuslinError: the file cannot be written; earlier generations are untouched.
        """
        path = self.folder / f"step-{snapshot.state.step:010}.checkpoint"
        write_bytes(path, to_bytes(snapshot))
        for old in self.generations()[GENERATIONS:]:
            with contextlib.suppress(OSError):  # the next save tries again
                old.unlink()
        self._saved = time.monotonic()
        return path

    def generations(self) -> list[Path]:
        """Return the checkpoint files, newest first."""
        if not self.folder.is_dir():
            return []
        return sorted((path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)

    def load(self) -> Snapshot | None:
        """Return the newest complete checkpoint; None if there are no checkpoints.

        Raises:
            RunError: there are checkpoints, but none is complete.
        """
        reasons = []
        for path in self.generations():
            try:
                snapshot = from_bytes(_content(path), str(path))
            except RunError as error:
                reasons.append(str(error))
                continue
            for reason in reasons:
                self.say(f"{reason} Resuming from the previous checkpoint, step {snapshot.state.step}.")
            return snapshot
        if reasons:
            raise RunError(f"{' '.join(reasons)} No earlier checkpoint is complete. Start a new run.")
        return None

    def drop(self) -> None:
        """Delete all checkpoints, once training is over and its result is saved elsewhere."""
        with contextlib.suppress(OSError):  # leftover files are harmless
            for path in self.generations():
                path.unlink()
            for folder in self.folder.glob(WITHIN):
                Checkpoints(folder).drop()
            self.folder.rmdir()


def to_bytes(snapshot: Snapshot) -> bytes:
    """Return a checkpoint file's content."""
    body = save(snapshot.arrays, {_KEY: snapshot.to_json()})
    return _MAGIC + bytes([FORMAT]) + hashlib.sha256(body).digest() + body


def from_bytes(content: bytes, origin: str) -> Snapshot:
    """Parse the content that `to_bytes` returned.

    Raises:
        RunError: the content is truncated, damaged, of another format version, or not a checkpoint.
    """
    if not content.startswith(_MAGIC) or len(content) <= _HEAD:
        raise RunError(f"checkpoint {origin} is damaged, truncated, or not a checkpoint.")
    form, digest, body = content[len(_MAGIC)], content[len(_MAGIC) + 1 : _HEAD], content[_HEAD:]
    if form != FORMAT:
        raise RunError(
            f"checkpoint {origin} has format {form}, but this version of Muslin reads format {FORMAT}. Another version "
            "of Muslin wrote it, or it is damaged."
        )
    if hashlib.sha256(body).digest() != digest:
        raise RunError(f"checkpoint {origin} is damaged: its SHA-256 does not match its content.")
    try:
        length = int.from_bytes(body[:8], "little")
        arrays = load(body)
        metadata = _metadata(body[8 : 8 + length])
    except (SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise RunError(f"checkpoint {origin} is not a valid Muslin checkpoint: {error!s:.200}.") from error
    return Snapshot.from_json(metadata, arrays)


def _metadata(table: bytes) -> str:
    state = json.loads(table)["__metadata__"][_KEY]
    if not isinstance(state, str):
        raise ValueError("its state is not text")
    return state


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RunError(f"checkpoint {path} exceeds the limit of {MOST_BYTES:,} bytes; Muslin did not write it.")
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"checkpoint {path} cannot be read: {error.strerror or error}.") from error
