"""Errors as problem documents (RFC 9457), each with a reason."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, get_args

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from muslin._words import count
from muslin.errors import DataError, MuslinError

MEDIA_TYPE = "application/problem+json"
_MOST_FAULTS = 8  # maximum number of faults in one document; an invalid image may have thousands
_MOST_NAMES = 4
_LONGEST_WHERE = 200
_LONGEST_NAME = 100


class Fault(BaseModel):
    """One fault of a request.

    Attributes:
        where: field, such as "images.0.3.27".
        what: rule that the field violates.
    """

    where: str
    what: str


class Problem(BaseModel):
    """Reason why a request was refused (RFC 9457)."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
    faults: list[Fault] = []


class Refusal(Exception):  # noqa: N818  (a request is refused; the server has no error)
    """Raised by a route that refuses a request.

    Args:
        status: HTTP status, 4xx or 503.
        detail: reason and remedy.
        faults: invalid fields (default none).
        headers: additional headers of the response (default none).
    """

    def __init__(
        self, status: int, detail: str, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = list(faults)
        self.headers = headers


def busy(detail: str) -> Refusal:
    """Return a refusal for a server at capacity, with Retry-After: 1 s."""
    return Refusal(503, detail, headers={"Retry-After": "1"})


def problem_response(
    status: int, detail: str, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response with a problem document."""
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, faults=list(faults))
    return Response(problem.model_dump_json(), status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def without_folder(error: Exception, runs: Path) -> str:
    """Return an error's message without the path of the folder of runs, which clients must not learn."""
    return str(error).replace(f"{runs}{os.sep}", "")


def named(names: Sequence[str]) -> str:
    """Return names from a request, quoted; each name and the list are shortened."""
    more = len(names) - _MOST_NAMES
    quoted = ", ".join(f"'{name[:_LONGEST_NAME]}'" for name in names[:_MOST_NAMES])
    return f"{quoted} and {more:,} more" if more > 0 else quoted


def faults_of(errors: Sequence[Mapping[str, Any]], model: type[BaseModel]) -> list[Fault]:
    """Return Pydantic's errors about a model as faults, shortened."""
    return [
        Fault(
            where=".".join(str(part) for part in error["loc"])[:_LONGEST_WHERE] or "body",
            what=_unknown_field(model, error["loc"]) if error["type"] == "extra_forbidden" else error["msg"],
        )
        for error in errors[:_MOST_FAULTS]
    ]


def _unknown_field(model: type[BaseModel], where: Sequence[str | int]) -> str:
    """Return the message for a field that the model, or a model within it, does not have."""
    for name in where[:-1]:
        field = model.model_fields.get(str(name))  # None for "body", which precedes the field's name
        kinds = (field.annotation, *get_args(field.annotation)) if field else ()
        model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), model)
    return f"Unknown field; known fields: {', '.join(model.model_fields)}."


def refuse_invalid(error: ValidationError, model: type[BaseModel]) -> Refusal:
    """Return the refusal of a request whose body does not fit its model."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    if errors[0]["type"] == "json_invalid":
        return Refusal(400, f"The body is not valid JSON: {errors[0]['msg']}.")
    return Refusal(422, _summary(len(errors)), faults_of(errors, model))


def _summary(errors: int) -> str:
    return f"{count(errors, 'value')} {'is' if errors == 1 else 'are'} invalid; see faults."


def install(app: FastAPI) -> None:
    """Register handlers that turn every error into a problem document."""

    @app.exception_handler(Refusal)
    async def refused(_request: Request, error: Refusal) -> Response:
        return problem_response(error.status, error.detail, faults=error.faults, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors, body = error.errors(), request.scope["route"].body_field
        model = body.field_info.annotation if body else BaseModel  # without a body, only path and query can be invalid
        return problem_response(422, _summary(len(errors)), faults=faults_of(errors, model))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        detail = {
            404: f"There is nothing at {request.url.path[:_LONGEST_WHERE]}. The API is documented at /docs.",
            405: f"Method {request.method[:20]} is not allowed here. The API is documented at /docs.",
        }.get(error.status_code, str(error.detail))
        return problem_response(error.status_code, detail, headers=error.headers)

    @app.exception_handler(MuslinError)
    async def explained(request: Request, error: MuslinError) -> Response:
        # An invalid picture is the request's error; an incomplete run is a conflict with the server's state.
        detail = without_folder(error, request.app.state.service.settings.runs)
        return problem_response(422 if isinstance(error, DataError) else 409, detail)

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, _error: Exception) -> Response:
        return problem_response(500, "Internal server error; the server's log has the details.")
