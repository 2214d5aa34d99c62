"""Running the application until somebody stops it."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from muslin.errors import MuslinError
from muslin.server.app import create_app
from muslin.server.middleware.door import DoorProtocol
from muslin.server.settings import Settings

KEEP_ALIVE_SECONDS = 30
SHUTDOWN_SECONDS = 5


class Server(uvicorn.Server):
    """uvicorn's server, which ends streams of events before it waits for open requests, and then ends well.

    uvicorn raises the signal that stopped it once more when all is done, so that a process which was told to end, and
    did, would report a failure (130 or 143) to the shell, systemd or docker.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM close the server; Ctrl-C again doesn't wait for requests, and counts as a failure."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may set signal handlers
            return
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self.force_exit:
            raise KeyboardInterrupt

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close: no new requests, streams ended, the rest finished within some seconds."""
        self.config.app.state.service.live.stop()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def make_server(settings: Settings) -> Server:
    """A server that is ready to run on a socket."""
    config = uvicorn.Config(
        create_app(settings),
        http=DoorProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address; port 0 for any that is free.

    Raises:
        MuslinError: the address is taken, or not this machine's.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=1024
        )
    except (OSError, OverflowError) as error:
        # Python adds the address to the system's words once more.
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise MuslinError(
            f"the address {host}:{port} can't be used: {reason}. Choose another --port (0 for any that is free) or "
            "--host."
        ) from error
