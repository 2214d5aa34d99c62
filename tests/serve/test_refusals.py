"""What a refusal says: the thing, the rule, and the way out."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

from muslin.folder import RunFolder
from serve.conftest import Running

pytestmark = pytest.mark.timeout(400)  # a busy machine needs minutes for the fixtures' training
BLANK = np.zeros((28, 28), int).tolist()


def refusal(answer: httpx.Response, status: int = 422) -> str:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    detail: str = answer.json()["detail"]
    return detail


# ── Query parameters ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ["predict", "explain", "photo"])
def test_a_run_in_the_query_is_not_taken_for_the_servers_own_choice(served: Running, place: str) -> None:
    answer = served.http.post(f"/api/{place}?run=nope", json={"images": [BLANK]})
    assert refusal(answer) == "There is no query parameter 'run' here; there are none. Say it in the body."


def test_an_unknown_query_parameter_is_named_beside_those_that_there_are(served: Running, cnn: RunFolder) -> None:
    place = f"/api/runs/{cnn.name}/confusion"
    said = refusal(served.http.get(place, params={"true": 0, "predicted": 0, "most": 5, "Limit": ""}))
    assert said == "There is no query parameter 'Limit', 'most' here; there are true, predicted, limit."
    assert served.http.get(place, params={"true": 0, "predicted": 0, "limit": 5}).status_code == 200
    assert "'x' here; there are none." in refusal(served.http.get("/api/runs?x"))
    many = refusal(served.http.get("/api/runs", params={f"{'a' * 200}{number}": 1 for number in range(9)}))
    assert "and 5 more here" in many
    assert len(many) < 600


@pytest.mark.parametrize("path", ["/", "/docs", "/assets/app.js", "/openapi.json", "/healthz", "/metrics"])
def test_pages_and_probes_take_any_query(served: Running, path: str) -> None:
    assert served.http.get(f"{path}?version=2").status_code == 200


def test_a_query_does_not_hide_that_there_is_nothing(served: Running) -> None:
    refusal(served.http.get("/api/nothing?x=1"), 404)
    refusal(served.http.get("/api/predict?x=1"), 405)
