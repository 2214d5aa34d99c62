"""Middleware that rejects unknown query parameters, as unknown fields of a body are rejected."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from muslin.server.middleware.bodies import WITHOUT_BODY
from muslin.server.problems import named, problem_response

_PREFIX = "/api/"  # the page and health probes are exempt: clients may add parameters of their own


class Queries:
    """Middleware that accepts only the query parameters that a route declares.

    Args:
        app: the next application.
        routes: routes of the API.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        self.routes = [route for route in routes if isinstance(route, APIRoute) and route.path.startswith(_PREFIX)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request, or reject it."""
        refused = self._refuse(scope) if scope.get("query_string") else None
        await (refused or self.app)(scope, receive, send)

    def _refuse(self, scope: Scope) -> Response | None:
        route = next((route for route in self.routes if route.matches(scope)[0] is Match.FULL), None)
        if route is None:  # the page, or an unknown path, which the router rejects
            return None
        known = [parameter.alias for parameter in route.dependant.query_params]
        strange = sorted(QueryParams(scope["query_string"]).keys() - set(known))
        if not strange:
            return None
        there = f"known parameters: {', '.join(known)}" if known else "this path takes none"
        body = "" if scope["method"] in WITHOUT_BODY else " Send it in the body."
        plural = "s" if len(strange) > 1 else ""
        return problem_response(422, f"Unknown query parameter{plural}: {named(strange)}; {there}.{body}")
