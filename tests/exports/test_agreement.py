"""Three implementations of convolution, pooling and the rest (torch, ONNX Runtime, Keras) give the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from helpers.small_designs import DESIGNS, random_images, random_network, small_designs, weights_of
from muslin.data import Dataset
from muslin.design import Design, load_design
from muslin.errors import ExportError
from muslin.exports import export
from muslin.exports.predictor import Predictor
from muslin.exports.verify import verify, verify_keras, verify_onnx
from muslin.network import Network, predict, prepare


def assert_every_layer_agrees(design: Design) -> None:
    network, images = random_network(design), random_images(design)
    predictor = Predictor.from_weights(design, weights_of(network), layers=True)
    with torch.no_grad():
        expected = network.activations(prepare(images))
    found = predictor.activations(images)
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values.numpy(), rtol=1e-5, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(predictor.probabilities(images), predict(network, images), atol=1e-6)


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_onnx_runtime_agrees_with_torch_in_every_layer(design: Design) -> None:
    assert_every_layer_agrees(design)


@settings(max_examples=40, deadline=None)
@given(small_designs())
def test_onnx_runtime_agrees_with_torch_on_any_small_design(design: Design) -> None:
    assert_every_layer_agrees(design)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_keras_agrees_with_torch(design: Design, suffix: str, tmp_path: Path) -> None:
    network, path = random_network(design), tmp_path / f"model{suffix}"
    export(design, weights_of(network), path, "keras" if suffix == ".keras" else "h5")
    assert verify_keras(path, network, random_images(design)) < 1e-4  # where logits are large; 1e-5 else


@settings(max_examples=15, deadline=None)
@given(small_designs())
def test_keras_agrees_with_torch_on_any_small_design(tmp_path_factory: pytest.TempPathFactory, design: Design) -> None:
    network, path = random_network(design), tmp_path_factory.mktemp("any") / "model.keras"
    export(design, weights_of(network), path, "keras")
    verify_keras(path, network, random_images(design))


@pytest.mark.parametrize("to", ["onnx", "keras", "h5", "safetensors"])
@pytest.mark.parametrize("name", ["custom_cnn", "dense_baseline"])
def test_the_library_s_designs_agree_on_real_images_in_every_format(
    name: str, to: str, sample: Dataset, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network = Network(load_design(name))
    path = export(network.design, weights_of(network), tmp_path / f"model.{to}", to)  # type: ignore[arg-type]
    assert verify(path, to, network, sample.test.images) <= 1e-6  # type: ignore[arg-type]


@pytest.mark.parametrize("to", ["onnx", "keras", "h5", "safetensors"])
def test_a_file_that_is_another_network_is_refused(to: str, tmp_path: Path) -> None:
    network = random_network(DESIGNS["flatten after conv"])
    path = export(network.design, weights_of(network), tmp_path / f"model.{to}", to)  # type: ignore[arg-type]
    with torch.no_grad():
        network.get_parameter("output.bias")[0] += 0.01
    with pytest.raises(ExportError, match=r"differ from the network's by up to"):
        verify(path, to, network, random_images(network.design))  # type: ignore[arg-type]


def test_a_network_that_gives_no_numbers_does_not_agree(tmp_path: Path) -> None:
    network = random_network(DESIGNS["logits"])
    path = export(network.design, weights_of(network), tmp_path / "model.onnx", "onnx")
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    with pytest.raises(ExportError, match="differ"):
        verify_onnx(path, network, random_images(network.design))


def test_verifying_leaves_the_network_in_training_mode(tmp_path: Path) -> None:
    network = random_network(DESIGNS["dropout"]).train()
    path = export(network.design, weights_of(network), tmp_path / "model.onnx", "onnx")
    verify_onnx(path, network, random_images(network.design))
    assert network.training
