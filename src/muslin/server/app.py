"""The ASGI application: routes and middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Route

from muslin.server import problems
from muslin.server.metrics import Measure
from muslin.server.middleware.access import AccessControl
from muslin.server.middleware.bodies import Bodies
from muslin.server.middleware.capacity import Arrival
from muslin.server.middleware.queries import Queries
from muslin.server.routes import explaining, looking, pages, predicting
from muslin.server.service import Service
from muslin.server.settings import Settings

_PARTS = (predicting, explaining, looking, pages)
_REASONS = {
    400: "The request cannot be parsed",
    401: "The token is missing or wrong",
    403: "The request comes from another web page",
    404: "The resource does not exist",
    405: "The method is not allowed",
    408: "The body took too long to arrive",
    409: "The run is not ready for this request, or its images are not available",
    413: "The body is too long",
    415: "The media type is not supported",
    422: "A value, a field or a query parameter is invalid",
    503: "The server is at capacity; Retry-After gives the time to wait",
}
_OF_BODIES = (400, 408, 413, 415)
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def create_app(settings: Settings) -> FastAPI:
    """Create the ASGI application with the page and the API.

    Args:
        settings: configuration of the server.
    """
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="Muslin",
        summary="Classify images with a trained network and look inside it.",
        version=version("muslin"),
        docs_url=None,  # Swagger's page loads scripts from other hosts; pages.py serves Muslin's own
        redoc_url=None,
        lifespan=lifespan,
        middleware=[
            Middleware(Arrival, slots=service.slots),
            Middleware(Measure, metrics=service.metrics),
            Middleware(AccessControl, settings=settings),
            Middleware(Bodies, settings=settings),
            Middleware(Queries, routes=[route for part in _PARTS for route in part.router.routes]),
        ],
    )
    app.state.service = service
    app.state.assets = pages.Assets()
    problems.install(app)
    for part in _PARTS:
        app.include_router(part.router)
    # The same function again, before the router's and without FastAPI's dependencies, which it does not use: saves an
    # eighth of a request's time (benchmarks/serve.py).
    app.router.routes.insert(0, Route("/api/predict", predicting.predict, methods=["POST"]))
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Add to the API's description that every error is a problem document."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = make()
            schemas = description["components"]["schemas"]
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            for model in (problems.Problem, *predicting.MODELS):
                content = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas.update(content.pop("$defs", {}))
                schemas[model.__name__] = content
            for path in description["paths"].values():
                for method, operation in path.items():
                    statuses = [each for each in _REASONS if method == "post" or each not in _OF_BODIES]
                    operation["responses"].update({str(status): _problem(_REASONS[status]) for status in statuses})
            app.openapi_schema = description
        return app.openapi_schema

    # As FastAPI's documentation recommends.
    app.openapi = openapi  # type: ignore[method-assign]


def _problem(reason: str) -> dict[str, Any]:
    return {"description": reason, "content": {problems.MEDIA_TYPE: {"schema": _PROBLEM}}}
