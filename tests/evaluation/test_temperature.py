from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import muslin
from muslin.data import Dataset
from muslin.errors import RunError
from muslin.evaluation import Evaluation
from muslin.evaluation.temperature import fit_temperature, tempered


def drawn(temperature: float, seed: int, images: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are too sure by `temperature`, and labels drawn from the true ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (images, 5))
    true = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (true.cumsum(1) > rng.random((images, 1))).argmax(1)
    sure = np.exp(temperature * logits)
    return (sure / sure.sum(1, keepdims=True)).astype(np.float32), labels


@given(st.floats(0.4, 4), st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_the_temperature_that_made_a_network_too_sure_is_found(temperature: float, seed: int) -> None:
    probabilities, labels = drawn(temperature, seed)
    found = fit_temperature(probabilities, labels)
    assert found == pytest.approx(temperature, rel=0.1)
    names = tuple("abcde")
    before = Evaluation(labels, probabilities, names)
    after = Evaluation(labels, tempered(probabilities, found), names)
    assert after.loss <= before.loss
    assert after.calibration.error < 0.03
    assert (after.predictions == before.predictions).all()


def test_it_is_torchs_softmax_of_divided_logits() -> None:
    logits = torch.randn(50, 5, generator=torch.Generator().manual_seed(0))
    expected = torch.softmax(logits / 1.7, 1).numpy()
    np.testing.assert_allclose(tempered(torch.softmax(logits, 1).numpy(), 1.7), expected, atol=1e-6)


def test_a_calibrated_export_gives_tempered_probabilities(sample: Dataset, tmp_path: Path) -> None:
    import onnxruntime  # noqa: PLC0415

    run = muslin.train("dense_baseline", sample, epochs=1, out=tmp_path, progress=False)
    with pytest.raises(RunError, match="Evaluate the run first"):
        run.export("onnx", calibrated=True)
    test = muslin.evaluate(run, sample, progress=False)
    assert run.folder.measured is not None
    value = run.folder.measured["temperature"]["value"]
    path = muslin.export(run, "onnx", calibrated=True, progress=False)
    assert path.name == "model_calibrated.onnx"
    session = onnxruntime.InferenceSession(path)
    pixels = sample.test.images[:50].astype(np.float32) / 255
    (given_name,) = [each.name for each in session.get_inputs()]
    (answers,) = session.run(["probabilities"], {given_name: pixels})
    np.testing.assert_allclose(answers, tempered(test.probabilities[:50], value), atol=1e-4)
