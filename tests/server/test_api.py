"""What the API answers."""

from __future__ import annotations

import base64
import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import muslin
from helpers.studies import study
from muslin.ablation.justification import load_justification, save_justification
from muslin.data import Dataset
from muslin.exports.predictor import Predictor
from muslin.pictures.prepare import prepare_picture
from muslin.runs.folder import RunFolder
from muslin.server.schemas.answers import Values
from muslin.workflow.pictures import target_of
from muslin.workflow.trained_run import Run
from server.conftest import Running, Start, wait_until

pytestmark = pytest.mark.timeout(400)  # a busy machine needs minutes for the fixtures' training


def png(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(content, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return content.getvalue()


def decoded(values: dict[str, object]) -> np.ndarray:
    read = Values.model_validate(values)
    data = np.frombuffer(base64.b64decode(read.data), np.uint8).reshape(read.shape)
    return read.low + (read.high - read.low) * data.astype(np.float64) / 255


def test_single_images_and_stacks_get_the_offline_answers(served: Running, cnn: RunFolder, sample: Dataset) -> None:
    images = sample.test.images[:20]
    offline = Predictor.from_run(cnn).probabilities(images)
    stack = served.http.post("/api/predict", json={"images": images[..., 0].tolist()}).json()
    assert stack["run"] == cnn.name
    online = np.array([each["probabilities"] for each in stack["predictions"]])
    assert np.abs(online - offline).max() < 1e-6
    for image, row in zip(images[:3], offline[:3], strict=True):
        answer = served.http.post("/api/predict", json={"images": [image[..., 0].tolist()], "run": cnn.name}).json()
        (prediction,) = answer["predictions"]
        assert np.allclose(prediction["probabilities"], row, atol=1e-6)
        assert prediction["number"] == row.argmax()
        assert prediction["name"] == sample.class_names[row.argmax()]
        assert prediction["probability"] == pytest.approx(row.max())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP"])
def test_files_are_classified_as_muslin_predict_does(
    served: Running, cnn: RunFolder, sample: Dataset, kind: str
) -> None:
    pictures = [png(image, kind) for image in sample.test.images[:3]] + [png(np.full((50, 90), 200, np.uint8), kind)]
    answer = served.http.post("/api/predict", files=[("image", ("x", content)) for content in pictures])
    assert answer.status_code == 200
    prepared = [prepare_picture(each, target_of(cnn.record.data)) for each in pictures]
    assert [picture.steps is None for picture in prepared] == [True, True, True, False]
    offline = Predictor.from_run(cnn).probabilities(np.stack([picture.pixels for picture in prepared]))
    online = [each["probabilities"] for each in answer.json()["predictions"]]
    assert np.allclose(online, offline, atol=1e-6)


def test_the_photo_recipe_can_be_asked_for(served: Running) -> None:
    photo = png(np.pad(np.full((60, 20), 30, np.uint8), 40, constant_values=255))
    fit, recipe, auto = (
        served.http.post("/api/predict", files={"image": photo}, data={"recipe": how}).json()
        for how in ("fit", "photo", "auto")
    )
    assert fit["predictions"] != recipe["predictions"]
    assert auto["predictions"] == recipe["predictions"]
    stages = served.http.post("/api/photo", files={"image": photo}).json()["stages"]
    assert [stage["step"] for stage in stages][:2] == ["photo", "trim"]
    last = decoded(stages[-1]["image"]).astype(int)
    same = served.http.post("/api/predict", json={"images": [last[..., 0].tolist()]}).json()
    assert same["predictions"] == recipe["predictions"]
    fewer = served.http.post("/api/photo", files={"image": photo}, data={"steps": "trim,resize"}).json()["stages"]
    assert [stage["done"] for stage in fewer] == [True, True, True, False, False, False, True]


def test_an_explanation_holds_what_every_layer_put_out(served: Running, cnn: RunFolder, sample: Dataset) -> None:
    image = sample.test.images[0]
    answer = served.http.post("/api/explain", json={"pixels": image[..., 0].tolist(), "occlusion": True}).json()
    network = Run(cnn)
    offline = Predictor.from_weights(cnn.design, network.weights, layers=True).activations(image[None])
    assert [layer["name"] for layer in answer["layers"]] == list(cnn.design.names)
    for layer in answer["layers"]:
        values, wanted = decoded(layer["values"]), offline[layer["name"]][0]
        assert np.abs(values - wanted).max() <= np.ptp(wanted) / 255
    assert np.array_equal(decoded(answer["image"]), image)
    assert answer["evidence"]["method"] == "exact"
    evidence = decoded(answer["evidence"]["values"])
    bias = network.weights["output.bias"][answer["number"]]
    assert evidence.mean() + bias == pytest.approx(offline["output"][0].max(), abs=np.ptp(evidence) / 255)
    assert decoded(answer["occlusion"]).shape == (14, 14)
    assert answer["label"] is None


def test_evidence_for_another_class_can_be_asked_for(served: Running, sample: Dataset) -> None:
    pixels = sample.test.images[0, ..., 0].tolist()
    first, other = (
        served.http.post("/api/explain", json={"pixels": pixels, "number": number}).json() for number in (0, 1)
    )
    assert (first["number"], other["number"]) == (0, 1)
    assert first["evidence"] != other["evidence"]
    refused = served.http.post("/api/explain", json={"pixels": pixels, "number": 10})
    assert refused.status_code == 422
    assert "0–9" in refused.json()["detail"]


def test_a_design_without_global_average_pooling_gets_grad_cam(
    served: Running, flat: RunFolder, sample: Dataset
) -> None:
    pixels = sample.test.images[0, ..., 0].tolist()
    answer = served.http.post("/api/explain", json={"pixels": pixels, "run": flat.name}).json()
    assert answer["evidence"]["method"] == "Grad-CAM"
    assert answer["evidence"]["layer"] == "look"
    assert answer["evidence"]["values"]["shape"] == [14, 14]


def test_images_neighbours_and_strongest_units_come_in_the_background(
    served: Running, cnn: RunFolder, sample: Dataset
) -> None:
    place = f"/api/runs/{cnn.name}"
    wait_until(lambda: served.http.get(f"{place}/guide").json()["likeness"] == "here")
    guide = served.http.get(f"{place}/guide").json()
    assert guide["sizes"] == {"train": 1800, "validation": 200, "test": 500}
    assert guide["progress"] == 1
    assert 0 <= guide["false_alarms"] < 0.2
    shown = served.http.get(f"{place}/images/train/7")
    assert shown.headers["content-type"] == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown.content))), sample.train.images[7, ..., 0])
    answer = served.http.post("/api/explain", json={"example": {"split": "train", "index": 7}}).json()
    assert answer["label"] == sample.train.labels[7]
    likeness = answer["likeness"]
    assert likeness["neighbours"][0] == {
        "index": 7,
        "number": int(sample.train.labels[7]),
        "distance": pytest.approx(0, abs=1e-3),
    }
    assert not likeness["unlike"]
    noise = np.random.default_rng(0).integers(0, 256, (28, 28)).tolist()
    assert served.http.post("/api/explain", json={"pixels": noise}).json()["likeness"]["unlike"]
    channel = served.http.get(f"{place}/layers/conv3/channels/5").json()
    assert channel["kernel"]["shape"] == [64, 3, 3]
    for unit in channel["units"]:
        top, left, bottom, right = unit["region"]
        assert 0 <= top < bottom <= 28
        assert 0 <= left < right <= 28
    beyond = served.http.get(f"{place}/images/test/500")
    assert (beyond.status_code, "0–499" in beyond.json()["detail"]) == (404, True)


def test_images_that_are_not_here_are_named_missing_and_the_rest_works(
    served: Running, cnn: RunFolder, tmp_path, start
) -> None:  # type: ignore[no-untyped-def]
    record = cnn.record
    other = record.model_copy(update={"data": record.data.model_copy(update={"fingerprint": "0" * 64})})
    lone = RunFolder.create(other, cnn.design, tmp_path / "runs")
    lone.weights_path.write_bytes(cnn.weights_path.read_bytes())
    up = start(runs=tmp_path / "runs", run=None)
    wait_until(lambda: up.http.get(f"/api/runs/{lone.name}/guide").json()["images"] == "missing")
    assert "other images" in up.http.get(f"/api/runs/{lone.name}/guide").json()["reason"]
    pixels = np.zeros((28, 28), int).tolist()
    explained = up.http.post("/api/explain", json={"pixels": pixels}).json()
    assert explained["likeness"] is None
    assert explained["evidence"] is not None
    refused = up.http.post("/api/explain", json={"example": {"split": "test", "index": 0}})
    assert refused.status_code == 409
    assert up.http.get(f"/api/runs/{lone.name}/images/test/0").status_code == 409


def test_runs_are_listed_newest_first_with_their_course(served: Running, cnn: RunFolder, flat: RunFolder) -> None:
    answer = served.http.get("/api/runs").json()
    assert answer["chosen"] == cnn.name
    assert [run["id"] for run in answer["runs"]] == [cnn.name, flat.name]
    first, second = answer["runs"]
    assert (first["state"], first["epochs"], first["planned"], first["ready"]) == ("finished", 4, 4, True)
    assert first["parameters"] == 93_962
    assert first["accuracy"] == Run(cnn).folder.evaluation.accuracy  # type: ignore[union-attr]
    assert second["accuracy"] is None
    assert [epoch["epoch"] for epoch in first["history"]] == [1, 2, 3, 4]


def test_a_runs_design_and_results(served: Running, cnn: RunFolder, flat: RunFolder) -> None:
    detail = served.http.get(f"/api/runs/{cnn.name}").json()
    conv3 = next(layer for layer in detail["layers"] if layer["name"] == "conv3")
    assert (conv3["parameters"], conv3["output"], conv3["sees"]) == (73_856, "7×7×128", "18×18")
    assert conv3["region"] == {"start": [-7, -7], "size": [18, 18], "stride": [4, 4]}
    assert conv3["because"]
    results = served.http.get(f"/api/runs/{cnn.name}/results").json()
    evaluation = cnn.evaluation
    assert evaluation is not None
    assert results["test"]["accuracy"] == evaluation.accuracy
    assert {claim["verdict"] for claim in results["claims"]} >= {"holds", "does not hold", "not measured"}
    true, predicted = np.unravel_index(evaluation.confusion.argmax(), evaluation.confusion.shape)
    cell = served.http.get(f"/api/runs/{cnn.name}/confusion", params={"true": true, "predicted": predicted}).json()
    assert cell["images"] == evaluation.confusion[true, predicted]
    assert all(evaluation.labels[each["index"]] == true for each in cell["tested"])
    assert sorted((each["probability"] for each in cell["tested"]), reverse=True) == [
        each["probability"] for each in cell["tested"]
    ]
    untested = served.http.get(f"/api/runs/{flat.name}/results").json()
    assert untested["test"] is None
    assert served.http.get(f"/api/runs/{flat.name}/confusion?true=0&predicted=0").status_code == 409


def test_a_run_in_training_appears_and_grows(start, cnn: RunFolder, tmp_path) -> None:  # type: ignore[no-untyped-def]
    runs = tmp_path / "runs"
    runs.mkdir()
    up = start(runs=runs, run=None)
    assert up.http.get("/api/runs").json() == {"chosen": None, "runs": []}
    assert up.http.post("/api/predict", json={"images": [[[0]]]}).status_code == 409
    with up.http.stream("GET", "/api/events") as stream:
        lines = stream.iter_lines()

        def event() -> tuple[str, str]:
            name = next(line for line in lines if line.startswith("event:")).removeprefix("event: ")
            return name, next(lines)

        assert event()[0] == "all"
        folder = RunFolder.create(cnn.record.model_copy(update={"outcome": None}), cnn.design, runs)
        name, data = event()
        assert name in {"changed", "all"}
        assert '"state":"training"' in data
        assert '"epochs":0' in data
        folder.save_history(cnn.history)
        assert '"epochs":4' in event()[1]
    refused = up.http.post("/api/predict", json={"images": [[[0]]], "run": folder.name})
    assert (refused.status_code, "still in training" in refused.json()["detail"]) == (409, True)
    folder.weights_path.write_bytes(cnn.weights_path.read_bytes())
    assert up.http.get("/api/runs").json()["chosen"] == folder.name
    assert up.http.post("/api/predict", json={"images": [np.zeros((28, 28), int).tolist()]}).status_code == 200


def test_health_and_metrics(served: Running) -> None:
    assert served.http.get("/healthz").json() == {"status": "ok"}
    text = served.http.get("/metrics").text
    assert re.search(r'^muslin_requests_total\{place="healthz",status="200"\} \d+$', text, re.MULTILINE)
    for line in text.splitlines():
        assert line.startswith("# ") or re.fullmatch(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.]+', line)


def test_the_description_speaks_of_every_place_and_needs_nothing_from_elsewhere(served: Running) -> None:
    description = served.http.get("/openapi.json").json()
    assert {"/api/predict", "/api/explain", "/api/photo", "/api/runs", "/healthz", "/metrics"} <= set(
        description["paths"]
    )
    assert "application/problem+json" in description["paths"]["/api/predict"]["post"]["responses"]["422"]["content"]
    assert served.http.get("/docs").status_code == 200


def test_a_study_of_the_design_is_found_beside_the_runs(start, cnn: RunFolder, tmp_path) -> None:  # type: ignore[no-untyped-def]
    shutil.copytree(cnn.path, tmp_path / "runs" / cnn.name)
    up = start(runs=tmp_path / "runs", run=None)
    place = f"/api/runs/{cnn.name}/study"
    shipped = up.http.get(place).json()
    folder = study(tmp_path / "studies" / "one", cnn.design)
    told = load_justification(folder)
    rows = tuple(told.rows[0]._replace(alternative=name) for name in ("flatten", "5 by 5"))
    save_justification(replace(told, rows=rows), folder)
    head = "decision,chosen,alternative,seeds,difference,low,high,verdict,verdict_text"
    (folder / "table.csv").write_text(
        f"{head}\npooling,global average,flatten,5,0.51,0.2,0.82,supported,supported by accuracy\n"
        "kernel,3 by 3,5 by 5,0,,,,not measured,not measured\n"
    )
    found = up.http.get(place).json()
    assert (found["name"], found["margin"], found["images"]) == ("one", 0.2, 6000)
    first, second = found["findings"]
    assert (first["chosen"], first["low"], first["difference"], first["high"]) == ("global average", 0.2, 0.51, 0.82)
    assert second["difference"] is None
    (folder / "table.csv").write_text("damaged")
    (folder / "justification.json").write_text("{")
    assert up.http.get(place).json() == shipped


def test_a_photo_for_own_images_is_prepared_as_they_were(start: Start, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = np.clip(rng.normal(60 + 130 * labels[:, None, None, None], 20, (60, 16, 16, 3)), 0, 255).astype(np.uint8)
    np.savez(tmp_path / "own.npz", x_train=images, y_train=labels, x_test=images[:20] ^ 1, y_test=labels[:20])
    own = muslin.train("dense_baseline", tmp_path / "own.npz", epochs=1, out=tmp_path / "runs", progress=False)
    up = start(runs=tmp_path / "runs", run=own.folder.name)
    photo = png(np.full((50, 90, 3), (200, 30, 30), np.uint8))
    stages = up.http.post("/api/photo", files={"image": photo}).json()["stages"]
    assert [stage["step"] for stage in stages] == ["photo", "fit"]
    online = up.http.post("/api/predict", files={"image": photo}).json()["predictions"][0]["probabilities"]
    (offline,) = muslin.predict(own, photo, progress=False)
    np.testing.assert_array_equal(decoded(stages[-1]["image"]), offline.picture.pixels)
    np.testing.assert_allclose(online, offline.probabilities, atol=1e-6)
