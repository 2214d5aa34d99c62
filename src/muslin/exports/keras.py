"""A network as Keras files, written by Keras itself: ``.keras``, and the older HDF5 ``.h5``.

Keras 3 builds a Sequential model with the design's name and its layers' names, takes the weights in its own order of
axes (height, width, in, out; in, out) and saves it. Keras on any backend opens the file: TensorFlow, JAX or torch. The
model takes (batch, height, width, channel) float32 on the 0–1 scale and gives what the design's output layer says:
probabilities with softmax, logits with none. It is not compiled; call `model.compile(…)` before `evaluate` or `fit`.

Keras is imported with the torch backend unless KERAS_BACKEND chooses another. The configuration file in the home
directory doesn't count as a choice: Keras writes "tensorflow" into it without being asked.
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
    """Write a Keras file; its kind follows from the suffix.

    Args:
        design: what to build.
        weights: that fit the design.
        path: ends in .keras or .h5.

    Raises:
        ExportError: the suffix is another, or Keras' backend is not installed.
        OSError: the file can't be written.
    """
    if path.suffix not in SUFFIXES:
        raise ExportError(
            f"{path.name}: Keras tells its formats apart by the suffix. Let the name end in .keras or .h5."
        )
    model = build_keras(design, weights)
    if path.suffix == ".h5":
        path.write_bytes(_hdf5(model))
        return
    with quiet_keras():
        model.save(path)


def _hdf5(model: Any) -> bytes:
    """The model as an HDF5 file, made in memory.

    The HDF5 library takes a full disk badly: it fails in words of its own or while the file is closed, writes to
    standard error, and may crash the process (HDF5 2.0, writes failing again and again).
    """
    import h5py  # type: ignore[import-untyped]  # noqa: PLC0415  (only for this format)

    class Named(h5py.File):  # type: ignore[misc]
        """Keras takes an open file as well as a path, and tells the format by the name."""

        def __str__(self) -> str:
            return ".h5"

    content = io.BytesIO()
    with Named(content, "w") as file, quiet_keras():
        model.save(file)
    return content.getvalue()


def build_keras(design: Design, weights: Weights) -> Any:
    """The Keras model, on the CPU, not compiled; see `write_keras`."""
    keras = import_keras()
    # Everything that the person's Keras configuration might set otherwise is said here.
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
    """The keras module, on the torch backend unless another is chosen already.

    Raises:
        ExportError: the chosen backend is not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", _BACKEND)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow, if chosen, announces itself on standard error
    try:
        import keras  # type: ignore[import-untyped]  # noqa: PLC0415  (seconds; and the backend is named before)
    except (ImportError, ValueError) as error:
        raise ExportError(
            f"Keras can't start with KERAS_BACKEND={os.environ['KERAS_BACKEND']!r}: {error}. "
            f"Unset KERAS_BACKEND, or set it to '{_BACKEND}'."
        ) from error
    return keras


def _layers(keras: Any, placed: Placed, design: Design) -> list[Any]:
    """The Keras layers for one of the design: one, except where Keras has none that does the same."""
    layer, entering, _ = placed
    if not isinstance(layer, Conv2d):
        return [_layer(keras, layer)]
    if layer.stride == (1, 1) or layer.dilation == (1, 1):
        return _convolution(keras, layer, design)
    # Keras' Conv2D takes a stride or a dilation, not both. The same values: pad, convolve at every position, then take
    # every stride-th (the largest of one value is that value).
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
    """A convolution; where it is normalised, with normalisation and activation as layers of their own."""
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
    # Keras' defaults are the definitions meant here: ELU with α = 1, GELU with erf instead of its tanh approximation.
    return None if layer.activation == "none" else layer.activation


def _kernel(weight: np.ndarray) -> np.ndarray:
    """From PyTorch's axes (out, in, height, width) or (out, in) to Keras' (height, width, in, out) or (in, out)."""
    return weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T


def _free_name(name: str, design: Design) -> str:
    while name in design.names:
        name += "_"
    return name


@contextmanager
def quiet_keras() -> Iterator[None]:
    """Leave out what Keras says to nobody's use.

    Through absl's logger, the advice to prefer .keras over .h5: whoever asks for .h5 wants it. And NumPy 2's warning
    about the way in which Keras turns torch's tensors into arrays, which is between the three of them.
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
