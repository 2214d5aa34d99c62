"""Regions: the position of each unit's receptive field in the image."""

from __future__ import annotations

from dataclasses import dataclass

from muslin.analysis import receptive_fields
from muslin.design import Design


@dataclass(frozen=True)
class Region:
    """The receptive fields of a layer's units, per axis (height, width), in input pixels.

    Attributes:
        start: first pixel that the unit at row 0, column 0 sees; negative if the field begins in the padding.
        size: side lengths, not clipped to the image.
        stride: distances between the fields of neighboring units.
        image: height and width of the image.
    """

    start: tuple[int, int]
    size: tuple[int, int]
    stride: tuple[int, int]
    image: tuple[int, int]

    def of(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Return the part of one unit's field that is inside the image.

        Args:
            row: row of the unit.
            column: column of the unit.

        Returns:
            (top, left, bottom, right) in pixels; bottom and right are exclusive.
        """
        top, left = (
            start + place * stride for start, place, stride in zip(self.start, (row, column), self.stride, strict=True)
        )
        bottom, right = top + self.size[0], left + self.size[1]
        return max(top, 0), max(left, 0), min(bottom, self.image[0]), min(right, self.image[1])


def unit_regions(design: Design) -> dict[str, Region]:
    """Compute the regions of the units of every layer, by layer name.

    The first unit's field starts at  a ← a − p·j,  where p is the padding before the image and j is the product of the
    strides so far. Sizes and strides follow the same recurrence (Araujo, Norris & Sim, "Computing Receptive Fields of
    Convolutional Neural Networks", Distill 2019). Units that combine all positions see the whole image, except pixels
    at the edge that pooling dropped.

    >>> from muslin.design import load_design
    >>> unit_regions(load_design("custom_cnn"))["conv3"].of(3, 3)
    (5, 5, 23, 23)
    """
    image = (design.input_shape[0], design.input_shape[1])
    start, jump = (0, 0), (1, 1)
    found = {}
    for (layer, entering, leaving), field in zip(design.placed, receptive_fields(design), strict=True):
        window = layer.window(entering)
        if window is not None and len(leaving) == 3:
            start = (start[0] - window.before[0] * jump[0], start[1] - window.before[1] * jump[1])
            jump = (jump[0] * window.stride[0], jump[1] * window.stride[1])
        found[layer.name] = Region(start, field.size, jump, image)
    return found
