"""What can be known of a design without training it: shapes, parameters, operations, memory, receptive fields."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import reduce
from math import prod
from operator import or_
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
        visible: the most that any unit reaches inside the image, from the first to the last pixel that it sees.
        coverage: the most of the image's pixels that any unit sees, as a share, 0–1; where a dilated kernel steps over
            pixels, less than `visible` suggests.
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
        parameters: numbers that the layer keeps: what it learns, and running statistics of normalisation.
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
        trainable: parameters that training changes by gradients: all but the running statistics of normalisation.
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
        trainable=sum(layer.trainable(entering) for layer, entering, _ in design.placed),
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
    axes = (_Axis.of(image[0]), _Axis.of(image[1]))
    fields = []
    for layer, entering, leaving in design.placed:
        window = layer.window(entering)
        grid = (len(axes[0].seen), len(axes[1].seen))
        if len(leaving) == 3:
            axes = _through(axes, window or _POINT, (leaving[0], leaving[1]))
        elif window or layer.kind == "dense":
            # All positions flow together; after that every unit sees the same region.
            axes = _through(axes, window or _POINT._replace(kernel=grid), (1, 1))
        fields.append(_field(axes, image))
    return tuple(fields)


def describe_field(field: ReceptiveField) -> str:
    """A receptive field as people write it: its size, or "whole image"."""
    return "whole image" if field.whole_image else describe_shape(field.size)


@dataclass(frozen=True)
class _Axis:
    """One axis of a layer's receptive fields.

    The theoretical size says nothing about borders: windows that hang over the edge, and pixels that pooling drops at
    the end and no later layer can bring back. So each unit also carries the set of pixels that it truly sees. The sets
    of both axes multiply: a unit sees pixel (y, x) if its row sees y and its column sees x.

    Attributes:
        size: theoretical side length, in input pixels.
        step: distance between neighbours, in input pixels.
        seen: for each unit the pixels that it sees, bit by bit.
    """

    size: int
    step: int
    seen: tuple[int, ...]

    @classmethod
    def of(cls, pixels: int) -> _Axis:
        return cls(1, 1, tuple(1 << pixel for pixel in range(pixels)))

    def through(self, kernel: int, stride: int, dilation: int, before: int, units: int) -> _Axis:
        reach = dilation * (kernel - 1) + 1
        seen = []
        for start in range(-before, units * stride - before, stride):
            first = start if start >= 0 else start % dilation  # the first cell that is not padding
            seen.append(reduce(or_, self.seen[first : start + reach : dilation], 0))
        return _Axis(self.size + (reach - 1) * self.step, self.step * stride, tuple(seen))

    @property
    def visible(self) -> int:
        return max(pixels.bit_length() - (pixels & -pixels).bit_length() + 1 if pixels else 0 for pixels in self.seen)

    @property
    def count(self) -> int:
        return max(pixels.bit_count() for pixels in self.seen)


def _through(axes: tuple[_Axis, _Axis], window: Window, grid: tuple[int, int]) -> tuple[_Axis, _Axis]:
    down, across = (
        axis.through(window.kernel[i], window.stride[i], window.dilation[i], window.before[i], grid[i])
        for i, axis in enumerate(axes)
    )
    return down, across


def _field(axes: tuple[_Axis, _Axis], image: tuple[int, int]) -> ReceptiveField:
    down, across = axes
    return ReceptiveField(
        size=(down.size, across.size),
        stride=(down.step, across.step),
        # A unit that sees no row sees no column either.
        visible=(down.visible, across.visible) if down.visible and across.visible else (0, 0),
        coverage=down.count * across.count / prod(image),
    )


def _parameters(design: Design) -> int:
    return sum(layer.parameters(entering) for layer, entering, _ in design.placed)


def _compare(parameters: int, baseline: Design) -> Comparison:
    theirs = _parameters(baseline)
    return Comparison(baseline.name, theirs, 100 * (theirs - parameters) / theirs)
