"""The page, the API's documentation, health and metrics."""

from __future__ import annotations

import hashlib
from importlib import resources

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from muslin.server.metrics import MEDIA_TYPE
from muslin.server.problems import Refusal
from muslin.server.schemas.run_answers import Health
from muslin.server.service import Service

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

router = APIRouter()


class Assets:
    """The files of the page, read once. Requests choose them by name, never by path."""

    def __init__(self) -> None:
        folder = resources.files("muslin.server").joinpath("static")
        self._files = {
            entry.name: (entry.read_bytes(), _TYPES[f".{entry.name.rpartition('.')[2]}"]) for entry in folder.iterdir()
        }
        self._tags = {
            name: f'"{hashlib.sha256(content).hexdigest()[:20]}"' for name, (content, _) in self._files.items()
        }

    def answer(self, name: str, request: Request) -> Response:
        """Return a file, or 304 if the browser's copy is current.

        Raises:
            Refusal: there is no such file.
        """
        if name not in self._files:
            raise Refusal(404, f"There is no file '{name[:100]}'.")
        content, kind = self._files[name]
        headers = {"ETag": self._tags[name], "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == self._tags[name]:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=kind, headers=headers)

    @property
    def size(self) -> int:
        """Total size of all files in bytes."""
        return sum(len(content) for content, _ in self._files.values())


@router.get("/", include_in_schema=False)
async def page(request: Request) -> Response:
    """The page."""
    return _assets(request).answer("index.html", request)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The API's documentation, as a page."""
    return _assets(request).answer("docs.html", request)


@router.get("/assets/{name}", include_in_schema=False)
async def asset(request: Request, name: str) -> Response:
    """A file of the page."""
    return _assets(request).answer(name, request)


@router.get("/healthz", summary="Whether the server is up")
async def health() -> Health:
    """Always answers while the server runs, regardless of load."""
    return Health()


@router.get(
    "/metrics",
    summary="Metrics of the server",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Metrics in Prometheus' text format."""
    service = Service.of(request)
    return Response(service.metrics.text(service.slots.taken), media_type=MEDIA_TYPE)


def _assets(request: Request) -> Assets:
    assets: Assets = request.app.state.assets
    return assets
