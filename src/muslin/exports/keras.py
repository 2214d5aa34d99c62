"""Keras files, written by Keras itself: ``.keras``, and the older HDF5 format ``.h5``.

Keras 3 builds a Sequential model with the names of the design and its layers, receives the weights in its own axis
order (height, width, in, out; in, out) and saves it. Keras opens the file on any backend: TensorFlow, JAX or torch. It
takes (batch, height, width, channel) float32 in 0–1 and returns what the design's output layer specifies: probabilities
with softmax, logits with none. It is not compiled; call `model.compile(…)` before `evaluate` or `fit`.

Keras is imported with the torch backend unless KERAS_BACKEND names another. The configuration file in the home
directory is ignored, because Keras writes "tensorflow" into it without asking.
"""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from muslin._extras import require
from muslin.design import (
    AvgPool2d,
    Conv2d,
    Dense,
    Design,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    Layer,
    MaxPool2d,
    Placed,
)
from muslin.design.layers import NORMALIZATION_EPSILON
from muslin.errors import ExportError
from muslin.exports._weights import Weights

SUFFIXES = (".keras", ".h5")
_BACKEND = "torch"


def write_keras(design: Design, weights: Weights, path: Path) -> None:
    """Write a Keras file in the format given by the suffix.

    Args:
        design: design of the network.
        weights: weights that fit the design.
        path: path that ends in .keras or .h5.

    Raises:
        ExportError: the suffix is different, or Keras or its backend is not installed.
        OSError: the file cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise ExportError(
            f"Keras needs a file name ending in .keras or .h5, which selects the format (got '{path.name}')."
        )
    model = build_keras(design, weights)
    if path.suffix == ".h5":
        path.write_bytes(_hdf5(model))
        return
    with quiet_keras():
        model.save(path)


def _hdf5(model: Any) -> bytes:
    """Return the model as an HDF5 file, built in memory.

    The HDF5 library handles a full disk badly: it raises its own errors, some only on closing the file, writes to
    standard error, and may crash the process (HDF5 2.0, after repeated write failures).
    """
    import h5py  # type: ignore[import-untyped]  # noqa: PLC0415  (only for this format)

    class Named(h5py.File):  # type: ignore[misc]
        """An open file whose name tells Keras the format; Keras accepts open files as well as paths."""

        def __str__(self) -> str:
            return ".h5"

    content = io.BytesIO()
    with Named(content, "w") as file, quiet_keras():
        model.save(file)
    return content.getvalue()


def build_keras(design: Design, weights: Weights) -> Any:
    """Return the Keras model, on the CPU, not compiled; see `write_keras`."""
    keras = import_keras()
    # Set explicitly everything that the user's Keras configuration might change.
    with keras.device("cpu"):
        model = keras.Sequential(
            [
                keras.Input(design.input_shape, dtype="float32", name=_free_name("image", design)),
                *(part for placed in design.placed for part in _layers(keras, placed, design)),
            ],
            name=design.name,
        )
        for layer in design.layers:
            if f"{layer.name}.weight" in weights:
                kernel, bias = weights[f"{layer.name}.weight"], weights[f"{layer.name}.bias"]
                normalized = f"{layer.name}.scale" in weights
                model.get_layer(layer.name).set_weights([_kernel(kernel)] if normalized else [_kernel(kernel), bias])
                if normalized:
                    arrays = [weights[f"{layer.name}.{part}"] for part in ("scale", "bias", "mean", "variance")]
                    model.get_layer(_free_name(f"{layer.name}_normalization", design)).set_weights(arrays)
    return model


def import_keras() -> Any:
    """Import Keras, with the torch backend unless another is selected.

    Raises:
        ExportError: Keras or the selected backend is not installed.
    """
    require("keras", ExportError)
    os.environ.setdefault("KERAS_BACKEND", _BACKEND)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow, if selected, logs its start to standard error
    try:
        import keras  # type: ignore[import-untyped]  # noqa: PLC0415  (takes seconds, and needs KERAS_BACKEND)
    except (ImportError, ValueError) as error:
        raise ExportError(
            f"Keras cannot start with KERAS_BACKEND={os.environ['KERAS_BACKEND']!r}: {error}. "
            f"Unset KERAS_BACKEND, or set it to '{_BACKEND}'."
        ) from error
    return keras


def _layers(keras: Any, placed: Placed, design: Design) -> list[Any]:
    """Return the Keras layers for one layer of the design: one, unless Keras has no equivalent layer."""
    layer, entering, _ = placed
    if not isinstance(layer, Conv2d):
        return [_layer(keras, layer)]
    if layer.stride == (1, 1) or layer.dilation == (1, 1):
        return _convolution(keras, layer, design)
    # Keras' Conv2D accepts a stride or a dilation, not both. Equivalent: pad, convolve at every position, keep every
    # stride-th value with a 1×1 max pooling.
    common = {"dtype": "float32", "data_format": "channels_last"}
    window = layer.window(entering)
    edges = tuple(zip(window.before, window.after, strict=True))
    everywhere = layer.model_copy(update={"stride": (1, 1), "padding": "valid"})
    return [
        keras.layers.ZeroPadding2D(edges, name=_free_name(f"{layer.name}_padding", design), **common),
        *_convolution(keras, everywhere, design),
        keras.layers.MaxPooling2D(1, layer.stride, name=_free_name(f"{layer.name}_stride", design), **common),
    ]


def _convolution(keras: Any, layer: Conv2d, design: Design) -> list[Any]:
    """Return a convolution; if normalized, with normalization and activation as separate layers."""
    if layer.normalization == "none":
        return [_layer(keras, layer)]
    name = _free_name(f"{layer.name}_normalization", design)
    parts = [
        _layer(keras, layer),
        keras.layers.BatchNormalization(name=name, epsilon=NORMALIZATION_EPSILON, dtype="float32"),
    ]
    if layer.activation != "none":
        name = _free_name(f"{layer.name}_activation", design)
        parts.append(keras.layers.Activation(layer.activation, name=name, dtype="float32"))
    return parts


def _layer(keras: Any, layer: Layer) -> Any:  # noqa: PLR0911  (one for each kind)
    make, common = keras.layers, {"name": layer.name, "dtype": "float32"}
    image = {**common, "data_format": "channels_last"}
    match layer:
        case Conv2d():
            return make.Conv2D(
                layer.filters,
                layer.kernel,
                strides=layer.stride,
                dilation_rate=layer.dilation,
                padding=layer.padding,
                activation=_activation(layer) if layer.normalization == "none" else None,
                use_bias=layer.normalization == "none",
                **image,
            )
        case MaxPool2d() | AvgPool2d():
            kind = make.MaxPooling2D if isinstance(layer, MaxPool2d) else make.AveragePooling2D
            return kind(layer.kernel, strides=layer.strides(), padding=layer.padding, **image)
        case GlobalAvgPool2d():
            return make.GlobalAveragePooling2D(**image)
        case GlobalMaxPool2d():
            return make.GlobalMaxPooling2D(**image)
        case Flatten():
            return make.Flatten(**image)
        case Dropout():
            return make.Dropout(layer.rate, **common)
        case Dense():
            return make.Dense(layer.units, activation=_activation(layer), **common)


def _activation(layer: Conv2d | Dense) -> str | None:
    # Keras' defaults match the design's definitions: ELU with α = 1, GELU with erf instead of its tanh approximation.
    return None if layer.activation == "none" else layer.activation


def _kernel(weight: np.ndarray) -> np.ndarray:
    """Convert PyTorch's axes (out, in, height, width) or (out, in) to Keras' (height, width, in, out) or (in, out)."""
    return weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T


def _free_name(name: str, design: Design) -> str:
    while name in design.names:
        name += "_"
    return name


@contextmanager
def quiet_keras() -> Iterator[None]:
    """Suppress messages from Keras that do not help the user.

    These are the advice to prefer .keras over .h5, logged through absl, and NumPy 2's deprecation warning about how
    Keras converts torch tensors to arrays.
    """
    logger = logging.getLogger("absl")

    def keep(record: logging.LogRecord) -> bool:
        return "HDF5" not in record.getMessage()

    logger.addFilter(keep)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            yield
    finally:
        logger.removeFilter(keep)
