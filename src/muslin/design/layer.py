"""What every layer of a design has: its fields, its shapes, and the computation of its parameters and operations.

A shape is (height, width, channels) for an image and (features,) once the spatial axes are gone.
"""

from __future__ import annotations

from abc import abstractmethod
from math import prod
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from muslin._display import Described, line, quoted

Shape: TypeAlias = tuple[int, ...]

LARGEST_SIDE = 4096  # largest side of an image, kernel or stride; larger values are typing errors
MOST_UNITS = 65_536  # largest number of filters or units of one layer


def _pair(value: object) -> object:
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value


def _single(value: tuple[int, int]) -> int | list[int]:
    return value[0] if value[0] == value[1] else list(value)


Side: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=LARGEST_SIDE)]
# One number for both axes, or [height, width].
Size: TypeAlias = Annotated[tuple[Side, Side], BeforeValidator(_pair), PlainSerializer(_single)]
LayerName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Units: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=MOST_UNITS)]


class ShapeMismatch(ValueError):  # noqa: N818  (Design turns it into a DesignError that names the layer)
    """The input shape does not fit the layer; the message states the rule."""


class Window(NamedTuple):
    """The sliding window of a layer, per axis (height, width), in positions of its input.

    Attributes:
        kernel: side lengths.
        stride: distances between neighboring windows.
        dilation: distances between neighboring cells of a window.
        before: padding at the top and left.
        after: padding at the bottom and right.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]


class Part(Described, BaseModel):
    """Base class of all parts of a design file: frozen, no unknown fields, no nan or inf."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LayerBase(Part):
    """Base class of all layers.

    Attributes:
        name: name of the layer, its weights and its table rows; unique within the design.
        because: reason for the layer and its configuration, in the designer's words.
    """

    name: LayerName
    because: str = ""

    def __repr__(self) -> str:
        return line(type(self).__name__, quoted(self.name), self.settings)

    @property
    def settings(self) -> str:
        """The layer's kernel and whatever else differs from the defaults, as text."""
        parts = []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if name in ("kind", "name", "because") or (value == field.default and name != "kernel"):
                continue
            parts.append(f"{name}={'×'.join(map(str, value)) if isinstance(value, tuple) else value}")
        return ", ".join(parts)

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Compute the output shape from the input shape.

        Raises:
            ShapeMismatch: if the input shape does not fit the layer.
        """

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Compute the shapes of the layer's arrays by name, in PyTorch's order of axes (output first)."""
        return {}

    def statistics(self) -> tuple[str, ...]:
        """Return the names of the arrays that hold running statistics and are not updated by gradients."""
        return ()

    def parameters(self, shape: Shape) -> int:
        """Count the numbers that the layer stores, including statistics."""
        return sum(prod(array) for array in self.parameter_shapes(shape).values())

    def trainable(self, shape: Shape) -> int:
        """Count the numbers that the layer learns by gradients."""
        arrays = self.parameter_shapes(shape)
        return sum(prod(arrays[name]) for name in arrays if name not in self.statistics())

    def macs(self, shape: Shape) -> int:
        """Count the multiply-accumulate operations for one image; 0 for layers that only compare, add or copy."""
        return 0

    def window(self, shape: Shape) -> Window | None:
        """Return the sliding window of the layer, or None if the layer has none."""
        return None


def describe_shape(shape: Shape) -> str:
    """Format a shape for people.

    >>> describe_shape((28, 28, 1))
    '28×28×1'
    """
    return "×".join(str(side) for side in shape)


def require_image(shape: Shape) -> None:
    """Raise `ShapeMismatch` if the shape is not an image's."""
    if len(shape) != 3:
        raise ShapeMismatch(
            f"the layer needs an image (height × width × channels), but its input is a vector of {shape[0]} features. "
            "Move it before the flatten or global pooling layer"
        )
