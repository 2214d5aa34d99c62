"""Requests made from the API's own description, kept and broken: no 5xx, nothing undeclared."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans

from muslin.runs.folder import RunFolder
from server.conftest import Running

CASES = int(os.environ.get("MUSLIN_FUZZ_CASES", "225"))  # for each of the nine places that take anything


@pytest.mark.timeout(400)
@pytest.mark.no_cover  # measuring it takes two thirds as long again
def test_no_request_made_from_the_description_breaks_the_server(served: Running, cnn: RunFolder) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: pip install --group dev")

    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    checks = [
        schemathesis.checks.not_a_server_error,
        *(
            getattr(schemathesis.specs.openapi.checks, name)
            for name in ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
        ),
    ]
    made = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == "/api/events":  # a stream without end; tests of its own
            continue
        strategy = (
            operation.as_strategy() | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
            if operation.body or len(operation.query) or len(operation.path_parameters)
            else operation.as_strategy()
        )

        @settings(
            max_examples=CASES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=strategy, known=booleans())
        def conforms(case: Any, *, known: bool) -> None:
            nonlocal made
            made += 1
            if known and isinstance(case.path_parameters, dict) and "run" in case.path_parameters:
                case.path_parameters["run"] = cnn.name  # else nearly all would be told that there is no such run
            case.call_and_validate(checks=checks, timeout=20)

        conforms()
    assert made >= 9 * CASES  # 2,025
