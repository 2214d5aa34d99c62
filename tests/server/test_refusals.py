"""What a refusal says: the thing, the rule, and the way out."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from muslin.data.places.sources import SAMPLE
from muslin.data.source import Source
from muslin.runs.folder import RunFolder
from server.conftest import Running, Start, wait_until

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
    assert refusal(answer) == "Unknown query parameter: 'run'; this path takes none. Send it in the body."


def test_an_unknown_query_parameter_is_named_beside_those_that_there_are(served: Running, cnn: RunFolder) -> None:
    place = f"/api/runs/{cnn.name}/confusion"
    said = refusal(served.http.get(place, params={"true": 0, "predicted": 0, "most": 5, "Limit": ""}))
    assert said == "Unknown query parameters: 'Limit', 'most'; known parameters: true, predicted, limit."
    assert served.http.get(place, params={"true": 0, "predicted": 0, "limit": 5}).status_code == 200
    assert "'x'; this path takes none." in refusal(served.http.get("/api/runs?x"))
    many = refusal(served.http.get("/api/runs", params={f"{'a' * 200}{number}": 1 for number in range(9)}))
    assert "and 5 more;" in many
    assert len(many) < 600


@pytest.mark.parametrize("path", ["/", "/docs", "/assets/app.js", "/openapi.json", "/healthz", "/metrics"])
def test_pages_and_probes_take_any_query(served: Running, path: str) -> None:
    assert served.http.get(f"{path}?version=2").status_code == 200


def test_a_query_does_not_hide_that_there_is_nothing(served: Running) -> None:
    refusal(served.http.get("/api/nothing?x=1"), 404)
    refusal(served.http.get("/api/predict?x=1"), 405)


# ── Forms ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ["predict", "photo"])
def test_a_form_with_too_many_fields_or_files_is_told_how_many_it_may_have(served: Running, place: str) -> None:
    path, fields = f"/api/{place}", [(f"field{number}", (None, "")) for number in range(17)]
    said = refusal(served.http.post(path, files=fields), 400)
    assert said == "Too many fields. Maximum number of fields is 16."
    assert "Unknown form fields: 'field0'" in refusal(served.http.post(path, files=fields[:16]))
    most = 256 if place == "predict" else 1
    said = refusal(served.http.post(path, files=[("image", b"x")] * (most + 1)), 400)
    assert said == f"Too many files. Maximum number of files is {most}."


# ── Images that are not available ─────────────────────────────────────────────────────────────────────────────────────


def test_a_run_whose_images_are_not_found_says_the_way_out_here_and_on_the_terminal(
    start: Start, cnn: RunFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = Source(kind="path", path=Path("\x1b[2J/home"))
    data = cnn.record.data.model_copy(update={"fingerprint": "0" * 64, "sample": False, "source": place})
    lone = RunFolder.create(cnn.record.model_copy(update={"data": data}), cnn.design, tmp_path / "runs")
    lone.weights_path.write_bytes(cnn.weights_path.read_bytes())
    train, test = np.random.default_rng(0).integers(0, 256, (2, 20, 28, 28), dtype=np.uint8)
    labels = np.arange(20, dtype=np.uint8) % 2
    np.savez(tmp_path / "others.npz", x_train=train, y_train=labels, x_test=test, y_test=labels)
    for where, because in ((tmp_path / "others.npz", "trained on other images"), (tmp_path / "no", "could not read")):
        caplog.clear()
        up = start(runs=tmp_path / "runs", run=None, data=where)
        guide = f"/api/runs/{lone.name}/guide"
        wait_until(lambda: up.http.get(guide).json()["images"] == "missing")  # noqa: B023
        reason = up.http.get(guide).json()["reason"]
        said = refusal(up.http.post("/api/explain", json={"example": {"split": "test", "index": 0}}), 409)
        assert said == f"The images of this run are not available. {reason}"
        assert because in reason
        assert "muslin serve … --data PATH" in reason
        assert str(tmp_path) not in said
        (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("muslin")]
        assert f"images of run {lone.name} not found" in line
        assert str(where) in line
        assert "muslin serve … --data PATH" in line
        assert "\x1b" not in line


def test_a_runs_own_images_are_found_where_it_was_trained_on_them(start: Start, cnn: RunFolder, tmp_path: Path) -> None:
    moved = tmp_path / "moved.npz"
    moved.write_bytes(SAMPLE.read_bytes())
    data = cnn.record.data.model_copy(update={"sample": False, "source": Source(kind="path", path=moved)})
    lone = RunFolder.create(cnn.record.model_copy(update={"data": data}), cnn.design, tmp_path / "runs")
    lone.weights_path.write_bytes(cnn.weights_path.read_bytes())
    up = start(runs=tmp_path / "runs", run=None)
    wait_until(lambda: up.http.get(f"/api/runs/{lone.name}/guide").json()["images"] == "here")
    assert up.http.post("/api/explain", json={"example": {"split": "test", "index": 0}}).status_code == 200


def test_no_answer_says_where_on_the_server_something_is(start: Start, cnn: RunFolder, tmp_path: Path) -> None:
    data = cnn.record.data.model_copy(update={"source": Source(kind="cache", path=Path("/home/ada/.cache/muslin"))})
    lone = RunFolder.create(cnn.record.model_copy(update={"data": data}), cnn.design, tmp_path / "runs")
    lone.weights_path.write_bytes(b"damaged")
    up = start(runs=tmp_path / "runs", run=None)
    assert up.http.get(f"/api/runs/{lone.name}").json()["source"] == "your cache"
    said = refusal(up.http.post("/api/predict", json={"images": [BLANK]}), 409)
    assert f"{lone.name}/model.safetensors is damaged" in said
    assert str(tmp_path) not in said


# ── Bodies ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("place", "fields"), [("predict", "image, recipe, run"), ("photo", "image, steps, run")])
def test_an_unknown_field_of_a_form_is_named_beside_those_that_there_are(
    served: Running, place: str, fields: str
) -> None:
    said = refusal(served.http.post(f"/api/{place}", files={"file": b"x"}))
    assert said == f"Unknown form field: 'file'; known fields: {fields}."


@pytest.mark.parametrize(
    ("place", "body", "where", "fields"),
    [
        ("explain", {"images": [BLANK]}, "body.images", "pixels, example, number, occlusion, run"),
        ("explain", {"example": {"split": "test", "index": 0, "size": 1}}, "body.example.size", "split, index"),
        ("predict", {"images": [BLANK], "pixels": BLANK}, "pixels", "images, run"),
    ],
)
def test_an_unknown_field_of_json_is_named_beside_those_that_there_are(
    served: Running, place: str, body: dict[str, object], where: str, fields: str
) -> None:
    answer = served.http.post(f"/api/{place}", json=body)
    assert "1 value is invalid" in refusal(answer)
    assert answer.json()["faults"] == [{"where": where, "what": f"Unknown field; known fields: {fields}."}]


def test_a_wrong_value_in_the_query_is_named(served: Running, cnn: RunFolder) -> None:
    answer = served.http.get(f"/api/runs/{cnn.name}/confusion?true=0&predicted=x")
    refusal(answer)
    assert [fault["where"] for fault in answer.json()["faults"]] == ["query.predicted"]


@pytest.mark.parametrize(("place", "body"), [("predict", {"images": [[[0]]]}), ("explain", {"pixels": [[0]]})])
def test_pixels_of_another_size_are_sent_where_pictures_are_fitted(
    served: Running, place: str, body: dict[str, object]
) -> None:
    said = refusal(served.http.post(f"/api/{place}", json=body))
    assert "the network takes 28×28×1" in said
    assert "use a form: POST /api/predict prepares and classifies it" in said


@pytest.mark.parametrize("place", ["predict", "photo"])
def test_a_gif_is_refused_and_the_formats_are_named(served: Running, place: str) -> None:
    content = io.BytesIO()
    Image.new("L", (28, 28)).save(content, "GIF")
    said = refusal(served.http.post(f"/api/{place}", files={"image": content.getvalue()}))
    assert "is not a picture in a supported format, or it is damaged. Use a PNG, JPEG, WebP or BMP file." in said
