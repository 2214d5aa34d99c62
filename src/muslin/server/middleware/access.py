"""Access control, and security headers of every response."""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muslin.server.problems import problem_response
from muslin.server.settings import LOOPBACK, Settings

COOKIE = "muslin-token"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_OPEN = ("/healthz",)  # for health probes, which have no token


class AccessControl:
    """Middleware that rejects requests from other web pages and requests without the token.

    - On loopback, the Host header must name loopback, which prevents DNS rebinding (another name that resolves to
      127.0.0.1).
    - The Origin header, if any, must name this server, and Sec-Fetch-Site must not name another site, unless a user
      follows a link to the page.
    - If a token is set, requests must send it as `Authorization: Bearer` or as the cookie that `/?token=…` sets.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request, or reject it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no WebSocket routes
            await send({"type": "websocket.close", "code": 1003})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refused = self._refuse(scope)
        await (refused or self.app)(scope, receive, send_with_headers)

    def _refuse(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self.settings.loopback and _hostname(host) not in LOOPBACK:
            return problem_response(403, "This server accepts requests to localhost only; the Host header differs.")
        origin = headers.get("origin")
        if origin is not None and urlsplit_or_none(origin) != host:
            return problem_response(403, "Requests from other web pages are refused; the Origin header names another.")
        site = headers.get("sec-fetch-site", "none")
        followed = headers.get("sec-fetch-mode") == "navigate" and scope["method"] == "GET"
        if site not in ("none", "same-origin") and not followed:
            return problem_response(
                403, "Requests from other web pages are refused; the Sec-Fetch-Site header names another site."
            )
        if self.settings.token is not None and scope["path"] not in _OPEN:
            return self._ask_for_token(scope, headers, self.settings.token)
        return None

    def _ask_for_token(self, scope: Scope, headers: Headers, token: str) -> Response | None:
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and _same(shown.strip(), token):
            return None
        if _same(_cookie(headers.get("cookie", "")), token):
            return None
        if scope["path"] == "/" and scope["method"] == "GET":
            query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=8)
            if _same(query.get("token", [""])[0], token):
                response = RedirectResponse("/", 303)
                response.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")
                return response
        return problem_response(
            401,
            "The server requires its token, which it printed when it started. Open /?token=… in a browser, or send it "
            "as 'Authorization: Bearer …'.",
            headers={"WWW-Authenticate": "Bearer"},
        )


def urlsplit_or_none(origin: str) -> str | None:
    """Return the host and port of an Origin header; None if it is opaque ("null") or not a URL."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc if parts.scheme in ("http", "https") else None


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _same(shown: str, token: str) -> bool:
    return hmac.compare_digest(shown.encode("utf-8", "replace"), token.encode())
