"""Requests made from the API's own description, kept and broken: no 5xx, nothing undeclared."""

from __future__ import annotations

import os

import pytest

from serve.conftest import Running

CASES = int(os.environ.get("MUSLIN_FUZZ_CASES", "150"))  # per place; there are 14


def test_no_request_made_from_the_description_breaks_the_server(served: Running) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: pip install -e '.[dev]'")
    from hypothesis import HealthCheck, Phase, given, settings  # noqa: PLC0415

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
        @given(case=strategy)
        def conforms(case: object) -> None:
            nonlocal made
            made += 1
            case.call_and_validate(checks=checks, timeout=20)  # type: ignore[attr-defined]

        conforms()
    assert made >= 10 * CASES
