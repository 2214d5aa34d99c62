"""Running the application until somebody stops it."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from muslin.errors import MuslinError
from muslin.serve.app import create_app
from muslin.serve.settings import Settings

HEADER_SECONDS = 10.0  # that a new connection has to send a request's headers
KEEP_ALIVE_SECONDS = 30
SHUTDOWN_SECONDS = 5


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which waits for ever for a new connection's first request; this one doesn't."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(transport)
        self._limit = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def on_headers_complete(self) -> None:
        """Stop it."""
        self._stop_clock()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop it."""
        self._stop_clock()
        super().connection_lost(exc)

    def _stop_clock(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _too_slow(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """uvicorn's server, which ends streams of events before it waits for open requests."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close: no new requests, streams ended, the rest finished within some seconds."""
        self.config.app.state.service.live.stop()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def make_server(settings: Settings) -> Server:
    """A server that is ready to run on a socket."""
    config = uvicorn.Config(
        create_app(settings),
        http=PatientProtocol,
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
