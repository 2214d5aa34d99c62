"""The messages of the server, whole, in tests/golden/server.txt: asked of an application with an empty folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from helpers import golden
from muslin.errors import MuslinError
from muslin.server import Settings
from muslin.server.live import MOST_LISTENERS, Live
from muslin.server.middleware.slots import Slots
from muslin.server.problems import Refusal
from muslin.server.schemas.run_answers import Runs
from muslin.server.server import listen
from server.conftest import running

JSON = {"content-type": "application/json"}
FILES: dict[str, Any] = {"image": ("shoe.png", b"not a picture")}


def text_of(answer: httpx.Response) -> str:
    problem = answer.json()
    faults = [f"{fault['where']}: {fault['what']}" for fault in problem.get("faults", [])]
    return "\n".join([f"{answer.status_code} {problem['detail']}", *faults])


def test_the_messages_of_the_server(tmp_path: Path) -> None:
    settings = Settings(runs=tmp_path, most_bytes=2000)
    with running(settings) as up:
        http = up.http
        answers = {
            "unknown path": http.get("/api/nothing"),
            "unknown method": http.delete("/api/runs"),
            "unknown file of the page": http.get("/assets/none.js"),
            "unknown run": http.get("/api/runs/none"),
            "no run is trained": http.post("/api/predict", json={"images": [[[0]]]}),
            "unknown query parameter": http.get("/api/runs", params={"most": 5}),
            "unknown query parameters": http.get("/api/runs/none/confusion", params={"most": 5, "least": 1}),
            "query parameter in place of the body": http.post("/api/predict?run=none", json={"images": [[[0]]]}),
            "invalid JSON": http.post("/api/predict", content=b"{", headers=JSON),
            "invalid value": http.post("/api/predict", json={"images": []}),
            "invalid values": http.post("/api/predict", json={"images": [], "pixels": []}),
            "two images to explain": http.post("/api/explain", json={}),
            "unknown media type": http.post("/api/predict", content=b"x", headers={"content-type": "text/plain"}),
            "unknown media type of a photo": http.post("/api/photo", content=b"x", headers=JSON),
            "unknown form field": http.post("/api/predict", files={"file": b"x"}),
            "unknown form fields": http.post("/api/photo", files=FILES, data={"size": "2", "color": "red"}),
            "two photos": http.post("/api/photo", files=[("image", b"x"), ("image", b"x")]),
            "form without a file": http.post("/api/predict", files={"recipe": (None, "fit")}),
            "unknown recipe": http.post("/api/predict", files=FILES, data={"recipe": "frame"}),
            "unknown step": http.post("/api/photo", files=FILES, data={"steps": "frame"}),
            "empty name of a run": http.post("/api/predict", files=FILES, data={"run": ""}),
            "too long a body": http.post("/api/predict", content=bytes(2001), headers=JSON),
            "another host": http.get("/api/runs", headers={"host": "example.org"}),
            "another origin": http.get("/api/runs", headers={"origin": "https://example.org"}),
            "another site": http.get("/api/runs", headers={"sec-fetch-site": "cross-site"}),
        }
    with running(Settings(runs=tmp_path, token="secret")) as up:  # noqa: S106
        answers["no token"] = up.http.get("/api/runs")
    texts = {heading: text_of(answer) for heading, answer in answers.items()}
    slots = Slots(1)
    with slots.hold(), pytest.raises(Refusal) as refused, slots.hold():
        pass
    texts["no free slot"] = refused.value.detail
    live = Live(tmp_path, lambda: Runs(chosen=None, runs=[]))
    live.listeners = MOST_LISTENERS
    with pytest.raises(Refusal) as refused:
        live.admit()
    texts["too many listeners"] = refused.value.detail
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MuslinError) as raised:
            listen("127.0.0.1", port)
    texts["port in use"] = str(raised.value).replace(str(port), "PORT")
    golden.compare("server", texts)
