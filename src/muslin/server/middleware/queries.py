"""Query parameters: what nobody would listen to is refused, as an unknown field of a body is."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from muslin.server.middleware.bodies import WITHOUT_BODY
from muslin.server.problems import named, problem_response

_PLACES = "/api/"  # not the page, nor what probes ask for, who may add parameters of their own


class Queries:
    """Lets a request pass whose query parameters its place knows.

    Args:
        routes: the places.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        self.routes = [route for route in routes if isinstance(route, APIRoute) and route.path.startswith(_PLACES)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        refused = self._refuse(scope) if scope.get("query_string") else None
        await (refused or self.app)(scope, receive, send)

    def _refuse(self, scope: Scope) -> Response | None:
        route = next((route for route in self.routes if route.matches(scope)[0] is Match.FULL), None)
        if route is None:  # a page, or nothing at all: the router says so
            return None
        known = [parameter.alias for parameter in route.dependant.query_params]
        strange = sorted(QueryParams(scope["query_string"]).keys() - set(known))
        if not strange:
            return None
        there = f"there are {', '.join(known)}" if known else "there are none"
        body = "" if scope["method"] in WITHOUT_BODY else " Say it in the body."
        return problem_response(422, f"There is no query parameter {named(strange)} here; {there}.{body}")
