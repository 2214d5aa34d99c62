"""Checkpoints: snapshots of a training on disk, of which a whole one is always there.

A file is `muslin checkpoint`, a format number, the SHA-256 of all that follows, and then a safetensors file with the
arrays, whose metadata hold the rest as JSON. It is written beside, flushed to disk, and renamed; the directory is
flushed, too. The last two generations are kept: whatever happens to the newest, there is one to go back to.
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

SECONDS = 10.0  # between saves within an epoch
GENERATIONS = 2
WITHIN = "teacher-*"  # folders of trainings that one needs first
MOST_BYTES = 2**31

_MAGIC = b"muslin checkpoint"
_HEAD = len(_MAGIC) + 1 + hashlib.sha256().digest_size
_KEY = "state"
_NAME = re.compile(r"step-(\d{10})\.checkpoint")


class Checkpoints:
    """The checkpoints of one training.

    Args:
        folder: where they are kept; made with the first one.
        resume: go on from the newest one that is whole, or from the beginning if there is none. Otherwise those that
            are there are dropped.
        seconds: how long to go on within an epoch before saving again. The end of an epoch is always saved.
        say: told what a person should know: that a damaged checkpoint was passed over.
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
        """Those of a training that this one needs first, in a folder of this one's."""
        return Checkpoints(self.folder / name, resume=self.resume, seconds=self.seconds, say=self.say)

    @property
    def due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() - self._saved >= self.seconds

    def begin(self) -> Snapshot | None:
        """What to go on from; None if training begins at the beginning.

        Raises:
            RunError: there are checkpoints to go on from, but none is whole.
        """
        if self.resume:
            return self.load()
        self.drop()
        return None

    def save(self, snapshot: Snapshot) -> Path:
        """Write a generation, then drop those before the last.

        Raises:
            MuslinError: it can't be written; the generations before it are untouched.
        """
        path = self.folder / f"step-{snapshot.state.step:010}.checkpoint"
        write_bytes(path, to_bytes(snapshot))
        for old in self.generations()[GENERATIONS:]:
            with contextlib.suppress(OSError):  # it will be dropped after the next save
                old.unlink()
        self._saved = time.monotonic()
        return path

    def generations(self) -> list[Path]:
        """The checkpoints' files, newest first."""
        if not self.folder.is_dir():
            return []
        return sorted((path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)

    def load(self) -> Snapshot | None:
        """The newest checkpoint that is whole; None if there is none at all.

        Raises:
            RunError: there are checkpoints, but none is whole.
        """
        reasons = []
        for path in self.generations():
            try:
                snapshot = from_bytes(_content(path), str(path))
            except RunError as error:
                reasons.append(str(error))
                continue
            for reason in reasons:
                self.say(f"{reason} Going on from the one before it, step {snapshot.state.step}.")
            return snapshot
        if reasons:
            raise RunError(f"{' '.join(reasons)} No checkpoint before it is whole: begin a new run.")
        return None

    def drop(self) -> None:
        """Remove all of them: training is over and its result is kept elsewhere."""
        with contextlib.suppress(OSError):  # what is left does no harm
            for path in self.generations():
                path.unlink()
            for folder in self.folder.glob(WITHIN):
                Checkpoints(folder).drop()
            self.folder.rmdir()


def to_bytes(snapshot: Snapshot) -> bytes:
    """A checkpoint as a file holds it."""
    body = save(snapshot.arrays, {_KEY: snapshot.to_json()})
    return _MAGIC + bytes([FORMAT]) + hashlib.sha256(body).digest() + body


def from_bytes(content: bytes, origin: str) -> Snapshot:
    """Read what `to_bytes` wrote.

    Raises:
        RunError: it is cut off, damaged in any bit, of another format, or something else.
    """
    if not content.startswith(_MAGIC) or len(content) <= _HEAD:
        raise RunError(f"{origin} is damaged, cut off, or not a checkpoint at all.")
    form, digest, body = content[len(_MAGIC)], content[len(_MAGIC) + 1 : _HEAD], content[_HEAD:]
    if form != FORMAT:
        raise RunError(
            f"{origin} is damaged, or of the checkpoint format {form}, which another version of Muslin wrote; this one "
            f"reads format {FORMAT}."
        )
    if hashlib.sha256(body).digest() != digest:
        raise RunError(f"{origin} is damaged: its content does not have the SHA-256 that it was written with.")
    try:
        length = int.from_bytes(body[:8], "little")
        arrays = load(body)
        metadata = _metadata(body[8 : 8 + length])
    except (SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise RunError(f"{origin} is not as Muslin writes it: {error!s:.200}.") from error
    return Snapshot.from_json(metadata, arrays)


def _metadata(table: bytes) -> str:
    state = json.loads(table)["__metadata__"][_KEY]
    if not isinstance(state, str):
        raise ValueError("its state is no text")
    return state


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RunError(f"{path} has more than {MOST_BYTES:,} bytes; Muslin did not write it.")
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} can't be read: {error.strerror or error}.") from error
