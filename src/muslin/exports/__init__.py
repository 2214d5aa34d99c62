"""Networks as files for other programs: one module per format."""

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

__all__ = ["FORMATS", "Format", "FormatName", "Weights", "describe_input", "export"]

FormatName: TypeAlias = Literal["onnx", "keras", "h5", "safetensors"]


@dataclass(frozen=True)
class Format:
    """A kind of file that a network can be written as.

    Attributes:
        name: what `export` and `muslin export --to` call it.
        suffix: how the file's name ends.
        opens_in: programs that read it.
    """

    name: FormatName
    suffix: str
    opens_in: str


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("onnx", ".onnx", "ONNX Runtime, OpenCV and whatever else reads ONNX (opset 13)"),
        Format("keras", ".keras", "Keras 3 on TensorFlow, JAX or torch"),
        Format("h5", ".h5", "Keras 3 on TensorFlow, JAX or torch (the older HDF5 format)"),
        Format("safetensors", ".safetensors", "Muslin, PyTorch and whatever else reads safetensors; weights only"),
    )
}


def export(
    design: Design,
    weights: Weights,
    path: str | Path,
    to: FormatName,
    *,
    class_names: tuple[str, ...] = (),
    check: Callable[[Path], object] | None = None,
) -> Path:
    """Write a network as a file; whole or not at all.

    Args:
        design: what the weights belong to.
        weights: float32 arrays by their names in the network's state_dict.
        path: where to; its name ends as the format's files do: .onnx, .keras, .h5 or .safetensors.
        to: "onnx", "keras", "h5" or "safetensors". ONNX and safetensors are written without torch.
        class_names: kept in the file where the format has a place for them (ONNX, safetensors).
        check: called with the written file under a temporary name; if it raises, what was at `path` stays.

    Returns:
        The path.

    Raises:
        ExportError: unknown format; the name ends otherwise; the weights don't fit the design or are not finite; the
            format can't hold them.
        MuslinError: the file can't be written.
    """
    path = Path(path)
    if to not in get_args(FormatName):
        raise ExportError(f"there is no export format '{to}'; there are {', '.join(FORMATS)}.")
    if path.suffix != FORMATS[to].suffix:
        raise ExportError(f"{path} is no name for the format '{to}'. Let it end in {FORMATS[to].suffix}.")
    problem = mismatch(design, {name: (str(values.dtype), values.shape) for name, values in weights.items()})
    problem = problem or not_finite(weights)
    if problem:
        raise ExportError(f"these weights can't be exported as the design '{design.name}': {problem}.")
    card = Card.of(design, class_names)
    with replacing(path) as temporary:
        _write(card, weights, temporary, to)
        if check:
            check(temporary)
    return path


def _write(card: Card, weights: Weights, path: Path, to: FormatName) -> None:
    # Each format's libraries take a part of a second, Keras' several: only the one that is asked for is imported.
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
