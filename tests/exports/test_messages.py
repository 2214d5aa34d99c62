"""The messages of exports, whole, in tests/golden/exports.txt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from helpers import golden
from helpers.messages import text_of
from muslin.design import load_design
from muslin.exports import export
from muslin.exports._card import Card
from muslin.exports._weights import expected_shapes
from muslin.exports.keras import write_keras
from muslin.exports.onnx import onnx_bytes
from muslin.exports.predictor import Predictor
from muslin.exports.safetensors import load_weights, read_card

DESIGN = load_design("dense_baseline")
WEIGHTS = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(DESIGN).items()}
IMAGE = np.zeros((1, 28, 28, 1), np.uint8)


def test_the_messages_of_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exported(**changes: Any) -> Callable[[], object]:
        weights = {**WEIGHTS, **changes}
        return lambda: export(DESIGN, weights, tmp_path / "model.onnx", "onnx")

    lacking = {name: values for name, values in WEIGHTS.items() if name != "hidden.bias"}
    (tmp_path / "empty.safetensors").write_bytes(b"")
    save_file(WEIGHTS, tmp_path / "other.safetensors")
    predictor = Predictor.from_weights(DESIGN, WEIGHTS)
    card = Card.of(DESIGN)
    monkeypatch.setattr("muslin.exports.onnx.LARGEST_FILE", 10**9)
    calls: dict[str, Callable[[], object]] = {
        "unknown format": lambda: export(DESIGN, WEIGHTS, tmp_path / "model.tflite", "tflite"),  # type: ignore[arg-type]
        "wrong suffix": lambda: export(DESIGN, WEIGHTS, Path("shoes"), "onnx"),
        "wrong suffix for Keras": lambda: write_keras(DESIGN, WEIGHTS, Path("shoes")),
        "a missing array": lambda: export(DESIGN, lacking, tmp_path / "model.onnx", "onnx"),
        "arrays of another design": exported(more=np.zeros(1, np.float32), most=np.zeros(1, np.float32)),
        "another shape": exported(**{"hidden.bias": np.zeros(9, np.float32)}),
        "another type": exported(**{"hidden.bias": np.zeros(128, np.float64)}),
        "one value that is not finite": exported(**{"output.bias": np.array([np.nan, *range(9)], np.float32)}),
        "values that are not finite": exported(**{"output.bias": np.full(10, np.inf, np.float32)}),
        "too few class names": lambda: Card.of(DESIGN, ("shoe",)),
        "metadata without a design": lambda: Card.from_metadata({}, "FILE"),
        "damaged metadata": lambda: Card.from_metadata(card.to_metadata() | {"muslin.classes": "["}, "FILE"),
        "class names of another number": lambda: Card.from_metadata(
            card.to_metadata() | {"muslin.classes": '["shoe"]'}, "FILE"
        ),
        "weights: no file": lambda: load_weights(tmp_path / "none.safetensors", DESIGN),
        "weights: empty file": lambda: load_weights(tmp_path / "empty.safetensors", DESIGN),
        "weights: of another design": lambda: load_weights(tmp_path / "other.safetensors", load_design("custom_cnn")),
        "weights: not written by Muslin": lambda: read_card(tmp_path / "other.safetensors"),
        "predictor: no file": lambda: Predictor(tmp_path / "none.onnx"),
        "predictor: images of another size": lambda: predictor.logits(np.zeros((1, 32, 32, 3), np.uint8)),
        "predictor: images of another type": lambda: predictor.logits(IMAGE.astype(np.float32)),
        "predictor: no outputs of layers": lambda: predictor.activations(IMAGE),
    }
    texts = {heading: text_of(call, tmp_path) for heading, call in calls.items()}
    monkeypatch.setattr("muslin.exports.onnx.LARGEST_FILE", 1000)
    texts["too large for ONNX"] = text_of(lambda: onnx_bytes(card, WEIGHTS), tmp_path)
    golden.compare("exports", texts)
