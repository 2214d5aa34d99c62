"""Verify exports: reload each file and compare it with the network before it replaces an existing file."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from muslin.data import Scaling, load_data
from muslin.data.pixels import FULL
from muslin.design import AvgPool2d, Design
from muslin.errors import ExportError, MuslinError
from muslin.exports import FormatName, export
from muslin.exports.keras import import_keras, quiet_keras
from muslin.exports.predictor import Predictor
from muslin.exports.safetensors import load_weights
from muslin.network import Network, prepare

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

# Largest difference that counts as agreement: absolute, or relative to the largest value if that exceeds 1 (float32 has
# seven digits, and each implementation sums in its own order).
ONNX_TOLERANCE = 1e-4  # for logits
KERAS_TOLERANCE = 1e-5  # for probabilities, or for logits if the design ends without softmax
BATCH_SIZE = 250
NOISE_IMAGES = 100


def export_verified(
    network: Network,
    path: Path,
    to: FormatName,
    *,
    class_names: tuple[str, ...] = (),
    scaling: Scaling = FULL,
    images: UInt8[np.ndarray, "image height width channel"] | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> Path:
    """Export a network; the file replaces an existing one only after it was reloaded and agrees with the network.

    Args:
        network: network to export.
        path: path of the file, with the format's suffix.
        to: format: "onnx", "keras", "h5" or "safetensors".
        class_names: class names stored in the file (default: the class numbers).
        scaling: range that the pixels of the training files had, stored likewise (default: 0–255).
        images: images for the comparison (default: the sample's test images if they fit the design, otherwise noise).
        say: function that receives the result of the comparison, as a sentence.

    Returns:
        The path of the file.

    Raises:
        ExportError: see `export`; or the file does not agree with the network. An existing file at `path` is kept.
        MuslinError: the file cannot be written.
    """

    def check(temporary: Path) -> None:
        described = "the images given"
        compared = images
        if compared is None:
            compared, described = _images(network.design)
        try:
            difference = verify(temporary, to, network, compared)
        except MuslinError as error:
            why = str(error).removeprefix(f"{temporary}: ").replace(str(temporary), "the new file")
            raise ExportError(f"{path} was not written, because the reloaded file is wrong: {why}") from error
        if to == "safetensors":
            say("Checked: the file contains exactly the network's weights.")
        else:
            say(f"Checked on {described}: the largest difference from the network is {difference:.1g}.")

    weights = {name: values.numpy(force=True) for name, values in network.state_dict().items()}
    return export(network.design, weights, path, to, class_names=class_names, scaling=scaling, check=check)


def _images(design: Design) -> tuple[np.ndarray, str]:
    sample = load_data(sample=True).test.images
    if sample.shape[1:] == design.input_shape:
        return sample, f"{len(sample)} test images of the sample"
    noise = np.random.default_rng(0).integers(0, 256, (NOISE_IMAGES, *design.input_shape), np.uint8)
    return noise, f"{NOISE_IMAGES} random images (the sample's have another shape)"


def verify(
    path: Path, to: FormatName, network: Network, images: UInt8[np.ndarray, "image height width channel"]
) -> float:
    """Compare an exported file of any format with the network; return the largest difference.

    Raises:
        ExportError: the file does not agree with the network, or its program cannot load it.
        RunError: the file cannot be read.
    """
    match to:
        case "onnx":
            return verify_onnx(path, network, images)
        case "keras" | "h5":
            return verify_keras(path, network, images)
        case "safetensors":
            return verify_safetensors(path, network)


def verify_safetensors(path: Path, network: Network) -> float:
    """Check that a file contains exactly the network's weights; return 0.

    Raises:
        ExportError: the weights differ.
        RunError: the file cannot be read, or contains the weights of another design.
    """
    own = {name: values.cpu().numpy() for name, values in network.state_dict().items()}
    weights = load_weights(path, network.design)
    return max(_agree(path, f"'{name}'", values, own[name], 0) for name, values in weights.items())


def verify_onnx(path: Path, network: Network, images: UInt8[np.ndarray, "image height width channel"]) -> float:
    """Compare ONNX Runtime's logits with the network's; return the largest difference.

    Raises:
        ExportError: they differ by more than `ONNX_TOLERANCE`.
        RunError: ONNX Runtime cannot load the file.
    """
    found = Predictor(path).logits(images)
    return _agree(path, "logits", found, _network_logits(network, images), ONNX_TOLERANCE)


def verify_keras(path: Path, network: Network, images: UInt8[np.ndarray, "image height width channel"]) -> float:
    """Compare Keras' predictions from a .keras or .h5 file with the network; return the largest difference.

    The model is evaluated layer by layer. For unevenly padded average pooling, Keras on torch repeats the image's edge
    into the padding (at least up to Keras 3.15; fixed by keras-team/keras#23233), while Keras on TensorFlow excludes
    the padding from the mean, as the design specifies. Only in such layers, the network's own arithmetic is used.

    Raises:
        ExportError: Keras cannot load the file, or the outputs differ by more than `KERAS_TOLERANCE`.
    """
    expected = _network_logits(network, images)
    what = "logits"
    if network.design.output_layer.activation == "softmax":
        expected = torch.softmax(torch.from_numpy(expected), 1).numpy()
        what = "probabilities"
    model = _load_keras(path)
    parts = [
        _keras_outputs(model, network, images[start : start + BATCH_SIZE])
        for start in range(0, len(images), BATCH_SIZE)
    ]
    return _agree(path, what, np.concatenate(parts), expected, KERAS_TOLERANCE)


def _load_keras(path: Path) -> Any:
    keras = import_keras()
    try:
        with keras.device("cpu"), quiet_keras():
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever zipfile, json, h5py and Keras raise
        raise ExportError(f"{path} cannot be loaded by Keras ({error}). Export it again.") from error


@torch.no_grad()
def _keras_outputs(model: Any, network: Network, images: np.ndarray) -> np.ndarray:
    keras = import_keras()
    with keras.device("cpu"), quiet_keras():
        values = keras.ops.convert_to_tensor(images.astype(np.float32) / np.float32(255))
        for layer in model.layers:
            if _pads_unevenly(network, layer.name) and keras.backend.backend() == "torch":
                own = dict(network.named_children())[layer.name]
                values = own(values.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
            else:
                values = layer(values)
        return np.asarray(keras.ops.convert_to_numpy(values))


def _pads_unevenly(network: Network, name: str) -> bool:
    for layer, entering, _ in network.design.placed:
        if layer.name == name and isinstance(layer, AvgPool2d):
            window = layer.window(entering)
            return window.before != window.after
    return False


@torch.no_grad()
def _network_logits(
    network: Network, images: UInt8[np.ndarray, "image height width channel"]
) -> Float[np.ndarray, "image classes"]:
    network = copy.deepcopy(network).cpu().float().eval()
    parts = [
        network(prepare(images[start : start + BATCH_SIZE])).numpy() for start in range(0, len(images), BATCH_SIZE)
    ]
    return np.concatenate(parts)


def _agree(path: Path, what: str, found: np.ndarray, expected: np.ndarray, tolerance: float) -> float:
    difference = float(np.abs(found - expected).max())
    allowed = tolerance * max(1.0, float(np.abs(expected).max()))
    if not difference <= allowed:  # also true for NaN
        raise ExportError(
            f"{path}: {what} differ from the network's by up to {difference:.3g}, but at most {allowed:.0e} is "
            "allowed. Export it again, or in another format."
        )
    return difference
