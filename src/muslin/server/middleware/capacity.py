"""Capacity: while all slots are taken, requests are rejected before any other work is done."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from muslin.server.metrics import Metrics
from muslin.server.middleware.access import HEADERS
from muslin.server.middleware.bodies import WITHOUT_BODY, worth_reading
from muslin.server.middleware.slots import Slots
from muslin.server.problems import busy, problem_response

HEADER_SECONDS = 10.0  # time limit for the headers of a new connection's first request
_ARRIVING = "muslin.arriving"  # key in a scope: the request is counted as arriving


class Capacity:
    """The response to requests that exceed the capacity, prepared in advance.

    Args:
        slots: slots for requests that compute.
        metrics: metrics in which rejected requests are counted.
    """

    def __init__(self, slots: Slots, metrics: Metrics) -> None:
        self.slots = slots
        self.metrics = metrics
        refusal = busy(slots.refusal)
        response = problem_response(refusal.status, refusal.detail, headers={**(refusal.headers or {}), **HEADERS})
        lines = [b"HTTP/1.1 503 Service Unavailable", *(b": ".join(header) for header in response.raw_headers)]
        self.answer = b"\r\n".join([*lines, b"", bytes(response.body)])
        self.last_answer = b"\r\n".join([*lines, b"connection: close", b"", bytes(response.body)])


class CapacityProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with rejection at capacity and a time limit for headers.

    Under load, each request waits for all earlier ones. Requests beyond the capacity are therefore rejected as soon as
    their headers are read: without a task, the application, or the body. The response reveals nothing that access
    control would protect.

    uvicorn waits indefinitely for the first request of a connection; this protocol does not.
    """

    _limit: asyncio.TimerHandle | None = None
    _rejected = False

    def __init__(self, config: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._capacity: Capacity = config.app.state.service.capacity

    def connection_made(self, transport: Any) -> None:
        """Start the time limit."""
        super().connection_made(transport)
        self._start_limit()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the time limit."""
        self._cancel_limit()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """Accept the request, or reject it."""
        self._cancel_limit()
        cycle, slots = self.cycle, self._capacity.slots
        first = cycle is None or cycle.response_complete  # of this connection's unanswered requests
        will_compute = first and self.parser.get_method().decode("latin-1") not in WITHOUT_BODY
        self._rejected = will_compute and slots.crowded
        if self._rejected:
            self._reject()
            return
        super().on_headers_complete()
        if will_compute and self.cycle is not cycle:
            slots.arriving += 1
            cast("Scope", self.scope)[_ARRIVING] = True

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        if not self._rejected:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Handle the end of the request."""
        if self._rejected:
            self._cancel_limit()
            self.on_response_complete()
        else:
            super().on_message_complete()

    def _reject(self) -> None:
        if self.transport.is_closing():  # more data followed the last request
            return
        self._capacity.metrics.answered(self.url.decode("latin-1"), 503, 0.0)
        if self.transport.get_write_buffer_size() > 0:  # the client sends requests without reading responses
            self.transport.abort()
        elif (
            self.parser.should_keep_alive()
            and not self.expect_100_continue
            and worth_reading(cast("Scope", self.scope))
        ):
            self.transport.write(self._capacity.answer)
            self._start_limit()  # time limit for the rest of the body
        else:
            self.transport.write(self._capacity.last_answer)
            self.transport.close()

    def _start_limit(self) -> None:
        self._limit = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def _cancel_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _too_slow(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()


class Arrival:
    """Middleware that marks an accepted request as no longer arriving.

    From here, a request takes a slot without delay, or waits for its body and does not count.
    """

    def __init__(self, app: ASGIApp, slots: Slots) -> None:
        self.app = app
        self.slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request."""
        if scope.pop(_ARRIVING, False):
            self.slots.arriving -= 1
        await self.app(scope, receive, send)
