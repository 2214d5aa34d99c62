"""What every artifact says of itself, and the names it gives to its input and outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from muslin.design import Design, Layer, describe_shape, format_design, parse_design
from muslin.errors import DesignError, ExportError, RunError

INPUT = "image"
LOGITS = "logits"
PROBABILITIES = "probabilities"

_DESIGN, _CLASSES, _INPUT, _VERSION = "muslin.design", "muslin.classes", "muslin.input", "muslin.version"


@dataclass(frozen=True)
class Card:
    """The design behind an artifact and the names of its classes, as kept in the artifact's metadata.

    Attributes:
        design: what the weights belong to.
        class_names: one per output; the numbers 0, 1, … where nobody named them.
    """

    design: Design
    class_names: tuple[str, ...]

    @classmethod
    def of(cls, design: Design, class_names: tuple[str, ...] = ()) -> Card:
        """A card for `design`; without names the classes are called by their numbers.

        Raises:
            ExportError: there are more or fewer names than classes.
        """
        names = class_names or tuple(str(number) for number in range(design.classes))
        if len(names) != design.classes:
            raise ExportError(
                f"{len(names)} class names were given for the design '{design.name}', which has {design.classes} "
                "classes. Give one name for each class, or none."
            )
        return cls(design, names)

    def to_metadata(self) -> dict[str, str]:
        """As texts, for the metadata that safetensors and ONNX files carry."""
        return {
            _DESIGN: format_design(self.design),
            _CLASSES: json.dumps(self.class_names, ensure_ascii=False),
            _INPUT: describe_input(self.design),
            _VERSION: version("muslin"),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], origin: str) -> Card:
        """Read a card back; `origin` names the file in errors.

        Raises:
            RunError: the metadata are not Muslin's, or damaged.
        """
        if _DESIGN not in metadata or _CLASSES not in metadata:
            raise RunError(
                f"{origin} carries no design: it was not written by Muslin, or a tool dropped its metadata. "
                "Export it again with `muslin export`."
            )
        try:
            design = parse_design(metadata[_DESIGN], origin)
            names = json.loads(metadata[_CLASSES])
        except (DesignError, ValueError, RecursionError) as error:
            raise RunError(
                f"{origin} carries damaged metadata: {error} Export it again with `muslin export`."
            ) from error
        if not isinstance(names, list) or len(names) != design.classes or not all(isinstance(x, str) for x in names):
            raise RunError(
                f"{origin} names its classes {metadata[_CLASSES]:.80}, but its design has {design.classes} classes and "
                "needs a list of as many names. Export it again with `muslin export`."
            )
        return cls(design, tuple(names))


def describe_input(design: Design) -> str:
    """What an exported network takes, in one sentence.

    >>> from muslin.design import load_design
    >>> describe_input(load_design("custom_cnn"))
    'image: float32, batch×28×28×1 (height, width, channel), pixels on the 0–1 scale (bytes divided by 255)'
    """
    return (
        f"{INPUT}: float32, batch×{describe_shape(design.input_shape)} (height, width, channel), "
        "pixels on the 0–1 scale (bytes divided by 255)"
    )


def output_name(design: Design, layer: Layer) -> str:
    """The name of a layer's output in an ONNX graph: its own, unless the graph needs that name for something else.

    The last layer's output is called "logits".

    >>> from muslin.design import load_design
    >>> design = load_design("dense_baseline")
    >>> [output_name(design, layer) for layer in design.layers]
    ['flatten', 'hidden', 'logits']
    """
    if layer is design.layers[-1]:
        return LOGITS
    return f"{layer.name}/output" if layer.name in (INPUT, LOGITS, PROBABILITIES) else layer.name
