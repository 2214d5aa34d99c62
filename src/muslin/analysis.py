"""What can be known of a design without training it: shapes, parameters, operations, memory, receptive fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from muslin.design import Design, Shape, Window, describe_shape

FLOAT32_BYTES = 4
INT8_BYTES = 1
_POINT = Window((1, 1), (1, 1), (1, 1), (0, 0), (0, 0))


@dataclass(frozen=True)
class ReceptiveField:
    """The input region that one unit of a layer can see, per axis (height, width), in input pixels.

    Attributes:
        size: theoretical side lengths; not clipped to the image.
        stride: distance between the regions of neighbouring units.
        visible: the most that any unit sees inside the image.
        coverage: `visible` as a share of the image's area, 0–1.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    visible: tuple[int, int]
    coverage: float

    @property
    def whole_image(self) -> bool:
        """Whether some unit sees every pixel."""
        return self.coverage == 1


@dataclass(frozen=True)
class LayerAnalysis:
    """One row of the layer table.

    Attributes:
        parameters: numbers that the layer learns.
        share: its part of all parameters, 0–1.
        macs: multiply-accumulate operations for one image.
        activation_bytes: its output for one image in float32.
    """

    name: str
    kind: str
    because: str
    input_shape: Shape
    output_shape: Shape
    parameters: int
    share: float
    macs: int
    activation_bytes: int
    receptive_field: ReceptiveField


@dataclass(frozen=True)
class Comparison:
    """Parameters held against those of another design.

    Attributes:
        saved: how many per cent fewer parameters than the other design; negative when there are more.
    """

    baseline: str
    parameters: int
    saved: float


@dataclass(frozen=True)
class Analysis:
    """A design's static figures.

    Attributes:
        trainable: parameters that training changes (all of them, in every design that can be written today).
        macs: multiply-accumulate operations for one image.
        activation_bytes: all outputs of one image together, in float32.
        peak_activation_bytes: the most that must be held at once when layers run one after another: a layer's input and
            its output, in float32.
        float32_bytes: size of the weights.
        int8_bytes: size of the weights at one byte each.
        comparison: parameters against the baseline, if one was given.
    """

    design: str
    title: str
    input_shape: Shape
    layers: tuple[LayerAnalysis, ...]
    parameters: int
    trainable: int
    macs: int
    activation_bytes: int
    peak_activation_bytes: int
    float32_bytes: int
    int8_bytes: int
    comparison: Comparison | None = None

    def layer(self, name: str) -> LayerAnalysis:
        """The row of the layer called `name`.

        Raises:
            KeyError: there is none.
        """
        for row in self.layers:
            if row.name == name:
                return row
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        heads = ("layer", "output", "parameters", "share", "MACs", "receptive field")
        rows = [
            (
                row.name,
                describe_shape(row.output_shape),
                f"{row.parameters:,}",
                f"{row.share:.1%}",
                f"{row.macs:,}",
                describe_field(row.receptive_field),
            )
            for row in self.layers
        ]
        rows.append(("total", "", f"{self.parameters:,}", "", f"{self.macs:,}", ""))
        widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
        left = (0, 1, 5)
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column in left else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in [heads, *rows]
        )


def analyze(design: Design, baseline: Design | None = None) -> Analysis:
    """Compute a design's static figures, and its parameters against `baseline`'s.

    >>> from muslin.design import load_design
    >>> cnn, dense = load_design("custom_cnn"), load_design("dense_baseline")
    >>> analysis = analyze(cnn, baseline=dense)
    >>> f"{analysis.parameters:,} parameters, {analysis.comparison.saved:.1f} % fewer"
    '93,962 parameters, 7.7 % fewer'
    """
    total = _parameters(design)
    rows = tuple(
        LayerAnalysis(
            name=layer.name,
            kind=layer.kind,
            because=layer.because,
            input_shape=entering,
            output_shape=leaving,
            parameters=layer.parameters(entering),
            share=layer.parameters(entering) / total,
            macs=layer.macs(entering),
            activation_bytes=prod(leaving) * FLOAT32_BYTES,
            receptive_field=field,
        )
        for (layer, entering, leaving), field in zip(design.placed, receptive_fields(design), strict=True)
    )
    return Analysis(
        design=design.name,
        title=design.title,
        input_shape=design.input_shape,
        layers=rows,
        parameters=total,
        trainable=total,
        macs=sum(row.macs for row in rows),
        activation_bytes=sum(row.activation_bytes for row in rows),
        peak_activation_bytes=max((prod(row.input_shape) + prod(row.output_shape)) * FLOAT32_BYTES for row in rows),
        float32_bytes=total * FLOAT32_BYTES,
        int8_bytes=total * INT8_BYTES,
        comparison=_compare(total, baseline) if baseline else None,
    )


def receptive_fields(design: Design) -> tuple[ReceptiveField, ...]:
    """The input region that one unit of each layer can see, layer by layer.

    Sizes and strides follow the recurrence  r ← r + (k − 1)·d·j,  j ← j·s  over the layers, per axis, in input pixels,
    with kernel k, dilation d and stride s (Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural
    Networks", Distill 2019). A layer that mixes all positions (global pooling, a dense layer after flatten) sees from
    the first position's region to the last's. Sizes are *not* clipped to the image; `ReceptiveField.visible` is.

    >>> from muslin.design import load_design
    >>> [field.size for field in receptive_fields(load_design("custom_cnn"))][:5]
    [(3, 3), (4, 4), (8, 8), (10, 10), (18, 18)]
    """
    image = (design.input_shape[0], design.input_shape[1])
    grid, axes = image, (_Axis(), _Axis())
    fields = []
    for layer, entering, leaving in design.placed:
        window = layer.window(entering)
        if len(leaving) == 3:
            axes = _through(axes, window or _POINT)
            grid = (leaving[0], leaving[1])
        elif layer.kind != "flatten" and grid != (1, 1):
            # All positions flow together, once; after that every unit sees the same region.
            axes = _through(axes, window or _POINT._replace(kernel=grid))
            grid = (1, 1)
        fields.append(_field(axes, grid, image))
    return tuple(fields)


def describe_field(field: ReceptiveField) -> str:
    """A receptive field as people write it: its size, or "whole image"."""
    return "whole image" if field.whole_image else describe_shape(field.size)


@dataclass(frozen=True)
class _Axis:
    """One axis of a receptive field: size, distance between neighbours, left edge of the first unit's region."""

    size: int = 1
    step: int = 1
    start: int = 0

    def through(self, kernel: int, stride: int, dilation: int, before: int) -> _Axis:
        reach = dilation * (kernel - 1)
        return _Axis(self.size + reach * self.step, self.step * stride, self.start - before * self.step)

    def visible(self, units: int, side: int) -> int:
        starts = (self.start + unit * self.step for unit in range(units))
        return max(min(start + self.size, side) - max(start, 0) for start in starts)


def _through(axes: tuple[_Axis, _Axis], window: Window) -> tuple[_Axis, _Axis]:
    down, across = (
        axis.through(window.kernel[i], window.stride[i], window.dilation[i], window.before[i])
        for i, axis in enumerate(axes)
    )
    return down, across


def _field(axes: Sequence[_Axis], grid: tuple[int, int], image: tuple[int, int]) -> ReceptiveField:
    height, width = (axis.visible(units, side) for axis, units, side in zip(axes, grid, image, strict=True))
    return ReceptiveField(
        size=(axes[0].size, axes[1].size),
        stride=(axes[0].step, axes[1].step),
        visible=(height, width),
        coverage=height * width / prod(image),
    )


def _parameters(design: Design) -> int:
    return sum(layer.parameters(entering) for layer, entering, _ in design.placed)


def _compare(parameters: int, baseline: Design) -> Comparison:
    theirs = _parameters(baseline)
    return Comparison(baseline.name, theirs, 100 * (theirs - parameters) / theirs)
