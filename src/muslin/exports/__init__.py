"""Exports: networks as files for other programs, one module per format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from muslin._disk.files import replacing
from muslin.design import Design
from muslin.errors import ExportError
from muslin.exports._card import Card, describe_input
from muslin.exports._weights import Weights, mismatch, not_finite
from muslin.pictures.scaling import FULL, Scaling

__all__ = ["FORMATS", "Format", "FormatName", "Weights", "describe_input", "export"]

FormatName: TypeAlias = Literal["onnx", "keras", "h5", "safetensors"]


@dataclass(frozen=True)
class Format:
    """An export format.

    Attributes:
        name: name of the format for `export` and `muslin export --to`.
        suffix: file name suffix.
        opens_in: programs that read the format.
    """

    name: FormatName
    suffix: str
    opens_in: str


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("onnx", ".onnx", "ONNX Runtime, OpenCV and other programs that read ONNX (opset 13)"),
        Format("keras", ".keras", "Keras 3 on TensorFlow, JAX or torch"),
        Format("h5", ".h5", "Keras 3 on TensorFlow, JAX or torch (the older HDF5 format)"),
        Format("safetensors", ".safetensors", "Muslin, PyTorch and other programs that read safetensors; weights only"),
    )
}


def export(
    design: Design,
    weights: Weights,
    path: str | Path,
    to: FormatName,
    *,
    class_names: tuple[str, ...] = (),
    scaling: Scaling = FULL,
    check: Callable[[Path], object] | None = None,
) -> Path:
    """Write a network to a file atomically.

    Args:
        design: design that the weights belong to.
        weights: float32 arrays by their names in the network's state_dict.
        path: path of the file, with the format's suffix: .onnx, .keras, .h5 or .safetensors.
        to: format: "onnx", "keras", "h5" or "safetensors". ONNX and safetensors do not need torch.
        class_names: class names stored in the file (ONNX, safetensors; default: the class numbers).
        scaling: range that the pixels of the training files had, stored likewise (default: 0–255).
        check: function called with the complete file under a temporary name; if it raises, an existing file at `path`
            is kept (default: no check).

    Returns:
        The path of the file.

    Raises:
        ExportError: the format is unknown, the suffix is wrong, the weights do not fit the design or are not finite, or
            the format cannot store them.
        MuslinError: the file cannot be written.
    """
    path = Path(path)
    if to not in get_args(FormatName):
        raise ExportError(f"export format '{to}' is unknown. Choose {', '.join(FORMATS)}.")
    if path.suffix != FORMATS[to].suffix:
        raise ExportError(f"format '{to}' needs a file name ending in {FORMATS[to].suffix} (got '{path}').")
    problem = mismatch(design, {name: (str(values.dtype), values.shape) for name, values in weights.items()})
    problem = problem or not_finite(weights)
    if problem:
        raise ExportError(f"weights do not fit design '{design.name}': {problem}.")
    card = Card.of(design, class_names, scaling)
    with replacing(path) as temporary:
        _write(card, weights, temporary, to)
        if check:
            check(temporary)
    return path


def _write(card: Card, weights: Weights, path: Path, to: FormatName) -> None:
    # Importing a format's libraries takes a fraction of a second, Keras several: import only the one needed.
    match to:
        case "safetensors":
            from muslin.exports.safetensors import write_safetensors  # noqa: PLC0415

            write_safetensors(card, weights, path)
        case "onnx":
            from muslin.exports.onnx import write_onnx  # noqa: PLC0415

            write_onnx(card, weights, path)
        case "keras" | "h5":
            from muslin.exports.keras import write_keras  # noqa: PLC0415

            write_keras(card.design, weights, path)
