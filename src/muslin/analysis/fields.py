"""Receptive fields: the input region that can affect a unit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import or_

from muslin.design import Design, Window, describe_shape

_POINT = Window((1, 1), (1, 1), (1, 1), (0, 0), (0, 0))


@dataclass(frozen=True)
class ReceptiveField:
    """The input region that can affect one unit of a layer, per axis (height, width), in input pixels.

    Attributes:
        size: theoretical side lengths, not clipped to the image.
        stride: distances between the regions of neighboring units.
        visible: largest side lengths of a unit's region inside the image, from its first to its last pixel.
        coverage: largest share of the image's pixels that a unit sees, 0–1. With dilated kernels, which skip pixels,
            it is smaller than `visible` suggests.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    visible: tuple[int, int]
    coverage: float

    @property
    def whole_image(self) -> bool:
        """Whether at least one unit sees every pixel."""
        return self.coverage == 1


def receptive_fields(design: Design) -> tuple[ReceptiveField, ...]:
    """Compute the receptive field of each layer's units, in forward order.

    Sizes and strides follow the recurrence  r ← r + (k − 1)·d·j,  j ← j·s  over the layers, per axis, in input pixels,
    with kernel k, dilation d and stride s (Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural
    Networks", Distill 2019). The field of a layer that mixes all positions (global pooling, or a dense layer after
    flatten) extends from the field of the first position to that of the last. Sizes are *not* clipped to the image;
    `ReceptiveField.visible` is.

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
            # The layer combines all positions; from here on, every unit has the same field.
            axes = _through(axes, window or _POINT._replace(kernel=grid), (1, 1))
        fields.append(_field(axes, image))
    return tuple(fields)


def describe_field(field: ReceptiveField) -> str:
    """Format a receptive field for people: its size in pixels, or "whole image"."""
    return "whole image" if field.whole_image else describe_shape(field.size)


@dataclass(frozen=True)
class _Axis:
    """One axis of a layer's receptive fields.

    The theoretical size ignores borders: windows that extend beyond the image, and pixels at the end that pooling
    drops for all later layers. Therefore each unit also has the set of pixels that it sees. A unit sees pixel (y, x) if
    its row sees y and its column sees x.

    Attributes:
        size: theoretical side length, in input pixels.
        step: distance between neighboring units, in input pixels.
        seen: pixels that each unit sees, as bit sets.
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
        # A unit that sees no rows sees no columns either.
        visible=(down.visible, across.visible) if down.visible and across.visible else (0, 0),
        coverage=down.count * across.count / prod(image),
    )
