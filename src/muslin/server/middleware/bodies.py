"""Middleware for request bodies: reads them completely before the route runs, and limits their size and time."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muslin.server.problems import Refusal, busy, problem_response
from muslin.server.settings import Settings

WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")
_SOON_OVER = 65_536  # bytes; the rest of a rejected body up to this size is read


class Bodies:
    """Pass complete bodies to the routes; reject bodies that are too long, too slow or too many.

    A slow client occupies only the memory of the bytes that it has sent: a slot (`Slots`) is taken afterwards.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self._buffered = 0  # bytes in memory, over all requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then forward the request."""
        if scope["type"] != "http" or scope["method"] in WITHOUT_BODY:
            await self.app(scope, receive, send)
            return
        body = bytearray()
        try:
            if not await self._read(scope, receive, body):
                return
            await self.app(scope, _replay(bytes(body), receive), send)
        except Refusal as refusal:
            headers = dict(refusal.headers or {})
            if not worth_reading(scope):
                headers["Connection"] = "close"
            await problem_response(refusal.status, refusal.detail, headers=headers)(scope, receive, send)
        finally:
            self._buffered -= len(body)

    async def _read(self, scope: Scope, receive: Receive, body: bytearray) -> bool:
        """Read the request into `body`; return False if the client disconnected."""
        self._check(_announced(scope), 0)
        seconds = self.settings.body_seconds
        try:
            async with asyncio.timeout(seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return False
                    part = message.get("body", b"")
                    self._check(len(body) + len(part), len(part))
                    body += part
                    self._buffered += len(part)
                    if not message.get("more_body", False):
                        return True
        except TimeoutError as error:
            raise Refusal(408, f"The body took longer than {seconds:g} s to arrive.") from error

    def _check(self, length: int, more: int) -> None:
        if length > self.settings.most_bytes:
            raise Refusal(413, f"The body is longer than the limit of {self.settings.most_bytes:,} bytes. Send less.")
        if self._buffered + more > self.settings.most_buffered:
            raise busy("The server is receiving too much data. Try again in a second.")


def worth_reading(scope: Scope) -> bool:
    """Return whether the rest of a rejected request's body is small enough to read, so that the connection is kept."""
    return 0 < _announced(scope) <= _SOON_OVER


def _announced(scope: Scope) -> int:
    # Not with starlette's Headers: under load, this runs for every request.
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
