"""The door: while all places are taken, requests are sent away before anything else is done with them."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from muslin.server.metrics import Metrics
from muslin.server.middleware.bodies import WITHOUT_BODY, worth_reading
from muslin.server.middleware.gate import HEADERS
from muslin.server.middleware.slots import Slots
from muslin.server.problems import busy, problem_response

HEADER_SECONDS = 10.0  # that a new connection has to send a request's headers
_ARRIVING = "muslin.arriving"  # in a scope: the request is counted as arriving


class Door:
    """What those are told who would find no place, written down beforehand.

    Args:
        slots: the places.
        metrics: where those who are sent away are counted.
    """

    def __init__(self, slots: Slots, metrics: Metrics) -> None:
        self.slots = slots
        self.metrics = metrics
        refusal = busy(slots.refusal)
        response = problem_response(refusal.status, refusal.detail, headers={**(refusal.headers or {}), **HEADERS})
        lines = [b"HTTP/1.1 503 Service Unavailable", *(b": ".join(header) for header in response.raw_headers)]
        self.answer = b"\r\n".join([*lines, b"", bytes(response.body)])
        self.last_answer = b"\r\n".join([*lines, b"connection: close", b"", bytes(response.body)])


class DoorProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with a door and a clock.

    When a crowd comes at once, each waits for all who are served before, so the answer to those who find no place
    comes as soon as their headers are read: no task, no application, no body. It says nothing that the gate would hide.

    uvicorn waits for ever for a new connection's first request; this one doesn't.
    """

    _limit: asyncio.TimerHandle | None = None
    _sent_away = False

    def __init__(self, config: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._door: Door = config.app.state.service.door

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop it."""
        self._stop_clock()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """Let the request in, or send it away."""
        self._stop_clock()
        cycle, slots = self.cycle, self._door.slots
        first = cycle is None or cycle.response_complete  # of those on this connection that are not answered yet
        comes_to_compute = first and self.parser.get_method().decode("latin-1") not in WITHOUT_BODY
        self._sent_away = comes_to_compute and slots.crowded
        if self._sent_away:
            self._send_away()
            return
        super().on_headers_complete()
        if comes_to_compute and self.cycle is not cycle:
            slots.arriving += 1
            cast("Scope", self.scope)[_ARRIVING] = True

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if not self._sent_away:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is read to its end."""
        if self._sent_away:
            self._stop_clock()
            self.on_response_complete()
        else:
            super().on_message_complete()

    def _send_away(self) -> None:
        if self.transport.is_closing():  # more had been sent behind a request that was the last
            return
        self._door.metrics.answered(self.url.decode("latin-1"), 503, 0.0)
        if self.transport.get_write_buffer_size() > 0:  # asks again without reading the answers
            self.transport.abort()
        elif (
            self.parser.should_keep_alive()
            and not self.expect_100_continue
            and worth_reading(cast("Scope", self.scope))
        ):
            self.transport.write(self._door.answer)
            self._start_clock()  # for the rest of the body
        else:
            self.transport.write(self._door.last_answer)
            self.transport.close()

    def _start_clock(self) -> None:
        self._limit = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def _stop_clock(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _too_slow(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()


class Arrival:
    """Notes that a request which the door let in has had its first turn.

    From here it goes on to a place without a pause, or waits for its body and is nobody's concern.
    """

    def __init__(self, app: ASGIApp, slots: Slots) -> None:
        self.app = app
        self.slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope.pop(_ARRIVING, False):
            self.slots.arriving -= 1
        await self.app(scope, receive, send)
