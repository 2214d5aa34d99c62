"""Live updates of runs as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

from muslin.server.problems import busy
from muslin.server.schemas.run_answers import Runs, RunSummary

LOOK_EVERY = 0.5  # time between checks, seconds
QUIET = 15.0  # seconds after which an empty comment keeps the connection open
MOST_LISTENERS = 32
_WATCHED = ("run.json", "history.csv", "model.safetensors", "evaluation.json")


class Live:
    """Checks the folder of runs twice a second while any client listens.

    Args:
        runs: path of the folder.
        summaries: function that returns the runs to send.
    """

    def __init__(self, runs: Path, summaries: Callable[[], Runs]) -> None:
        self.runs = runs
        self.summaries = summaries
        self.listeners = 0
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End all streams, so that the server can shut down."""
        self._stopping.set()

    def admit(self) -> None:
        """Check that one more client may listen.

        Raises:
            Refusal: the maximum number of clients is listening.
        """
        if self.listeners >= MOST_LISTENERS:
            raise busy(f"The maximum of {MOST_LISTENERS} pages are listening for updates. Close one.")

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield all runs, and then the changed runs whenever any changes."""
        self.listeners += 1
        seen: dict[str, RunSummary] = {}
        known: object = None
        quiet = 0.0
        try:
            yield b"retry: 1000\n\n"
            while not self._stopping.is_set():
                state = await asyncio.to_thread(self._state)
                if state != known:
                    known = state
                    now = await asyncio.to_thread(self.summaries)
                    changed = [run for run in now.runs if seen.get(run.id) != run]
                    gone = len(seen.keys() - {run.id for run in now.runs}) > 0
                    if changed or gone or not seen:
                        answer = now if gone else now.model_copy(update={"runs": changed})
                        name = "all" if gone or not seen else "changed"
                        yield f"event: {name}\ndata: {answer.model_dump_json()}\n\n".encode()
                        quiet = 0.0
                    seen = {run.id: run for run in now.runs}
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), LOOK_EVERY)
                quiet += LOOK_EVERY
                if quiet >= QUIET:
                    yield b": still here\n\n"
                    quiet = 0.0
        finally:
            self.listeners -= 1

    def _state(self) -> object:
        """Return a value that changes when a file of a run changes."""
        state = []
        for path in sorted(self.runs.glob("*/run.json")):
            for name in _WATCHED:
                with suppress(OSError):
                    found = (path.parent / name).stat()
                    state.append((path.parent.name, name, found.st_mtime_ns, found.st_size))
        return tuple(state)
