"""Predictions from an ONNX file with ONNX Runtime: without torch, and ready in a fraction of a second."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]

from muslin.design import Design, describe_shape
from muslin.errors import DataError, RunError
from muslin.exports._card import INPUT, LOGITS, PROBABILITIES, Card, output_name
from muslin.exports._onnx_guard import check_onnx
from muslin.exports._weights import Weights

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

    from muslin.runs.folder import RunFolder

PIXEL_MAXIMUM = np.float32(255)
BATCH_SIZE = 250  # images per call: limits the memory; larger batches are not faster
_ERRORS_ONLY = 3  # ONNX Runtime's log severity; lower levels report details about graphics cards


class Predictor:
    """A network for prediction only.

    Several threads may use one predictor at the same time.

    Args:
        model: path of an ONNX file written by Muslin, or its content.
        threads: number of threads that compute one call (default 1, which is fastest for single images on a small
            network and leaves cores to other calls).

    Attributes:
        design: design stored in the file.
        class_names: class names, by class number.

    Raises:
        RunError: the file is missing, damaged, or was not written by Muslin.
    """

    def __init__(self, model: str | Path | bytes, *, threads: int = 1) -> None:
        origin = "the ONNX model" if isinstance(model, bytes) else str(model)
        content = model if isinstance(model, bytes) else _read(Path(model))
        card, checked = check_onnx(content, origin)
        self._session = _session(checked, threads, origin)
        self.design: Design = card.design
        self.class_names = card.class_names
        self._outputs = {output.name for output in self._session.get_outputs()}
        self._check_graph(origin)

    @classmethod
    def from_weights(
        cls,
        design: Design,
        weights: Weights,
        class_names: tuple[str, ...] = (),
        *,
        layers: bool = False,
        threads: int = 1,
    ) -> Predictor:
        """Return a predictor for given weights; `activations` needs `layers=True`."""
        from muslin.exports.onnx import onnx_bytes  # noqa: PLC0415  (a predictor on a file does not need onnx)

        return cls(onnx_bytes(Card.of(design, class_names), weights, layers=layers), threads=threads)

    @classmethod
    def from_run(cls, folder: RunFolder, *, threads: int = 1) -> Predictor:
        """Return a predictor for a run: from its model.onnx, or from its weights if that file is missing or older.

        Raises:
            RunError: the run has no weights, they are damaged, or its files belong to different designs.
        """
        graph, weights = folder.export_path("onnx"), folder.weights_path
        if graph.exists() and not (weights.exists() and weights.stat().st_mtime_ns > graph.stat().st_mtime_ns):
            predictor = cls(graph, threads=threads)
            if predictor.design.layers != folder.design.layers:
                raise RunError(
                    f"{graph} was exported from design '{predictor.design.name}', which differs from the design in "
                    f"{folder.name}. Export it again: muslin export {folder.path} --to onnx"
                )
            return predictor
        from muslin.exports.safetensors import load_weights  # noqa: PLC0415  (only without model.onnx)

        return cls.from_weights(
            folder.design, load_weights(weights, folder.design), folder.record.data.class_names, threads=threads
        )

    def probabilities(
        self, images: UInt8[np.ndarray, "image height width channel"]
    ) -> Float[np.ndarray, "image classes"]:
        """Return class probabilities, float32, for images with values 0–255.

        Raises:
            DataError: the images do not have the network's input shape.
        """
        return self._run(images, PROBABILITIES)

    def logits(self, images: UInt8[np.ndarray, "image height width channel"]) -> Float[np.ndarray, "image classes"]:
        """Return logits (before the softmax), float32, for images with values 0–255.

        Raises:
            DataError: the images do not have the network's input shape.
        """
        return self._run(images, LOGITS)

    def activations(
        self, images: UInt8[np.ndarray, "image height width channel"]
    ) -> dict[str, Float[np.ndarray, "..."]]:
        """Return every layer's output by layer name; spatial outputs are (image, channel, height, width).

        The last layer returns logits, as in `muslin.network.Network.activations`. All images are computed in one call;
        pass few.

        Raises:
            DataError: the images do not have the network's input shape.
            RunError: the graph was exported without the layers' outputs.
        """
        names = {layer.name: output_name(self.design, layer) for layer in self.design.layers}
        if not self._outputs.issuperset(names.values()):
            raise RunError(
                f"ONNX graph of '{self.design.name}' has only the outputs logits and probabilities. Export it with "
                "layers=True to get the layers' outputs."
            )
        values = self._session.run(list(names.values()), {INPUT: self._prepare(images)})
        return dict(zip(names, values, strict=True))

    def _run(self, images: np.ndarray, output: str) -> np.ndarray:
        parts = [
            self._session.run([output], {INPUT: self._prepare(images[start : start + BATCH_SIZE])})[0]
            for start in range(0, max(len(images), 1), BATCH_SIZE)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _prepare(self, images: np.ndarray) -> np.ndarray:
        if images.dtype != np.uint8 or images.shape[1:] != self.design.input_shape:
            raise DataError(
                f"'{self.design.name}' takes images of {describe_shape(self.design.input_shape)} bytes (uint8), but "
                f"these are {describe_shape(images.shape[1:])} of {images.dtype}. Resize or convert them first."
            )
        return images.astype(np.float32) / PIXEL_MAXIMUM

    def _check_graph(self, origin: str) -> None:
        takes = [(node.name, node.type, tuple(node.shape[1:])) for node in self._session.get_inputs()]
        wanted = [(INPUT, "tensor(float)", self.design.input_shape)]
        if takes != wanted or not self._outputs.issuperset((LOGITS, PROBABILITIES)):
            raise RunError(
                f"{origin} has a graph that does not fit its design: it must take '{INPUT}' of "
                f"{describe_shape(self.design.input_shape)} and return '{LOGITS}' and '{PROBABILITIES}'. Export it "
                "again with `muslin export`."
            )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise RunError(f"{path} does not exist. Create it with `muslin export RUN --to onnx`.") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.") from error


def _session(content: bytes, threads: int, origin: str) -> Any:
    onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads sleep instead of spinning: a page with one user must not keep a core busy.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        # From memory, so that an untrusted graph cannot name other files to load.
        # No fallback: it would print to standard output and retry the same provider.
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        reason = str(error).rpartition(" : ")[2].strip().rstrip(".")  # without ONNX Runtime's own codes
        raise RunError(
            f"{origin} cannot be loaded by ONNX Runtime: damaged, truncated, or not an ONNX file ({reason:.160}). "
            "Export it again with `muslin export RUN --to onnx`."
        ) from error
