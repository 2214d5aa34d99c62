"""Metadata of exported files, and the names of their inputs and outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from muslin._words import count
from muslin.design import Design, Layer, describe_shape, format_design, parse_design
from muslin.errors import DesignError, ExportError, RunError
from muslin.pictures.scaling import FULL, Scaling

INPUT = "image"
LOGITS = "logits"
PROBABILITIES = "probabilities"

_DESIGN, _CLASSES, _INPUT, _VERSION = "muslin.design", "muslin.classes", "muslin.input", "muslin.version"
_RANGE = "muslin.pixel_range"


@dataclass(frozen=True)
class Card:
    """Design and class names stored in the metadata of an exported file.

    Attributes:
        design: design that the weights belong to.
        class_names: class names, one per output; "0", "1", … if none were given.
        scaling: range that the pixels of the training files had (default: 0–255).
    """

    design: Design
    class_names: tuple[str, ...]
    scaling: Scaling = FULL

    @classmethod
    def of(cls, design: Design, class_names: tuple[str, ...] = (), scaling: Scaling = FULL) -> Card:
        """Return a card for `design`; without names, classes are named by their numbers.

        Raises:
            ExportError: the number of names differs from the number of classes.
        """
        names = class_names or tuple(str(number) for number in range(design.classes))
        if len(names) != design.classes:
            raise ExportError(
                f"design '{design.name}' has {count(design.classes, 'class', 'classes')}, but "
                f"{count(len(names), 'class name')} given. Give one name per class, or none."
            )
        return cls(design, names, scaling)

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata that safetensors and ONNX files store, as texts."""
        return {
            _DESIGN: format_design(self.design),
            _CLASSES: json.dumps(self.class_names, ensure_ascii=False),
            _INPUT: describe_input(self.design, self.scaling),
            _RANGE: json.dumps([self.scaling.low, self.scaling.high]),
            _VERSION: version("muslin"),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], origin: str) -> Card:
        """Parse the metadata that `to_metadata` returned; `origin` names the file in errors.

        Raises:
            RunError: the metadata are missing, damaged, or not Muslin's.
        """
        if _DESIGN not in metadata or _CLASSES not in metadata:
            raise RunError(
                f"{origin} contains no design: Muslin did not write it, or a tool dropped its metadata. "
                "Export it again with `muslin export`."
            )
        try:
            design = parse_design(metadata[_DESIGN], origin)
            names = json.loads(metadata[_CLASSES])
        except (DesignError, ValueError, RecursionError) as error:
            raise RunError(
                f"{origin} contains damaged metadata: {str(error).rstrip('.')}. Export it again with `muslin export`."
            ) from error
        if not isinstance(names, list) or len(names) != design.classes or not all(isinstance(x, str) for x in names):
            raise RunError(
                f"{origin} has class names {metadata[_CLASSES]:.80}, but its design needs a list of {design.classes} "
                "names. Export it again with `muslin export`."
            )
        return cls(design, tuple(names))


def describe_input(design: Design, scaling: Scaling = FULL) -> str:
    """Return a description of an exported network's input.

    Args:
        design: design of the network.
        scaling: range that the pixels of the training files had (default: 0–255).

    >>> from muslin.design import load_design
    >>> describe_input(load_design("custom_cnn"))
    'image: float32, batch×28×28×1 (height, width, channel), pixels on the 0–1 scale (bytes divided by 255)'
    """
    return (
        f"{INPUT}: float32, batch×{describe_shape(design.input_shape)} (height, width, channel), "
        f"pixels on the 0–1 scale ({_to_unit(scaling)})"
    )


def _to_unit(scaling: Scaling) -> str:
    if not scaling.changes:
        return "bytes divided by 255"
    shift = f" minus {scaling.low:g}," if scaling.low else ""
    return f"the files' values of {scaling},{shift} divided by {scaling.high - scaling.low:g}"


def output_name(design: Design, layer: Layer) -> str:
    """Return the name of a layer's output in an ONNX graph: the layer's name, unless the graph uses it otherwise.

    The output of the last layer is named "logits".

    >>> from muslin.design import load_design
    >>> design = load_design("dense_baseline")
    >>> [output_name(design, layer) for layer in design.layers]
    ['flatten', 'hidden', 'logits']
    """
    if layer is design.layers[-1]:
        return LOGITS
    return f"{layer.name}/output" if layer.name in (INPUT, LOGITS, PROBABILITIES) else layer.name
