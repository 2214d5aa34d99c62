"""Ctrl-C and SIGTERM: how a command stops, and what it prints then."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

from muslin.errors import DivergedError, MuslinError


@contextlib.contextmanager
def going_on_with(command: str) -> Iterator[None]:
    """Add a note with the command that resumes the work to whatever stops the block.

    The note is added to a `KeyboardInterrupt` and a `MuslinError`, which propagate. A `DivergedError` gets none, since
    resuming would diverge again. SIGTERM ends the block as Ctrl-C does.

    Args:
        command: the command that resumes the work.
    """
    try:
        with _terminated_as_interrupted():
            yield
    except KeyboardInterrupt as error:
        error.add_note(f"To resume: {command}")
        raise
    except DivergedError:
        raise
    except MuslinError as error:
        error.add_note(f"Then resume with: {command}")
        raise


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set signal handlers
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def catch_interruption() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C or SIGTERM sets; a second signal interrupts at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event  # only the main thread may set signal handlers
        return

    def note(number: int, _frame: object) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
