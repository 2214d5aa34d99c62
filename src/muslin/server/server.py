"""Run the application until it is stopped."""

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
from muslin.server.middleware.capacity import CapacityProtocol
from muslin.server.settings import Settings

KEEP_ALIVE_SECONDS = 30
SHUTDOWN_SECONDS = 5


class Server(uvicorn.Server):
    """uvicorn's server, which also ends event streams on shutdown, and exits successfully when stopped by a signal.

    uvicorn raises the signal again after shutting down, so that a regular stop would be reported as a failure (exit
    status 130 or 143) to the shell, systemd or Docker.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Shut down on Ctrl-C and SIGTERM; a second Ctrl-C does not wait for open requests, and counts as a failure."""
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
        """Shut down: accept no new requests, end streams, and wait up to 5 s for open requests."""
        self.config.app.state.service.live.stop()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def make_server(settings: Settings) -> Server:
    """Return a server for the given settings; call its `run` with a socket."""
    config = uvicorn.Config(
        create_app(settings),
        http=CapacityProtocol,
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
    """Return a socket bound to an address; port 0 selects a free port.

    Raises:
        MuslinError: the address is in use, or does not belong to this machine.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=1024
        )
    except (OSError, OverflowError) as error:
        # Python's message repeats the address.
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise MuslinError(
            f"address {host}:{port} cannot be used: {reason}. Choose another `port=` (`port=0` selects a free one) or "
            "`host=`."
        ) from error
