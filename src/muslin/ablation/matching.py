"""Size-matched twins: widths chosen so that a network has as many parameters, or MACs, as another."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

from pydantic import ValidationError

from muslin.analysis import analyze
from muslin.design import Conv2d, Dense, Design
from muslin.design.decision import Matched
from muslin.errors import DesignError

TOLERANCE = 0.02  # share of the target size
_STEPS = (8, 1)  # widths are multiples of the first, the lanes of a vector register, if those reach the target
_CLOSE = 0.002  # share of the target below which the search ends
_WIDEST = 64.0  # largest factor on all widths
_HALVINGS = 40


def size(design: Design, what: Matched) -> int:
    """Return the number of parameters, or of MACs, of a design."""
    return int(getattr(analyze(design), what))


def matches(design: Design, target: int, what: Matched) -> bool:
    """Return whether the size of a design is within 2% of the target."""
    return abs(size(design, what) - target) <= TOLERANCE * target


def match_widths(design: Design, target: int, what: Matched = "parameters") -> Design:
    """Return the design with other widths, so that its size is within 2% of the target.

    Filters and units of all layers but the last are multiplied by one factor, found by bisection, which keeps their
    proportions; then single layers are widened or narrowed while that comes closer. Widths are multiples of eight where
    those come within 2%: others compute more slowly for a reason that is not the design's, and the time of a twin is
    compared as well.

    Args:
        design: design whose hidden layers change.
        target: number of parameters or MACs.
        what: "parameters" or "macs" (default "parameters").

    Returns:
        The size-matched design.

    Raises:
        DesignError: no widths reach the target, or there is no hidden layer with a width.
    """
    design = design.edited(())
    widths = _widths(design)
    if not widths:
        raise DesignError(f"design '{design.name}' has no hidden layer whose width could be changed to match {what}.")
    for step in _STEPS:
        best = _nearest(design, widths, target, what, step)
        found = _with(design, best)
        if matches(found, target, what):
            break
    else:
        raise DesignError(
            f"no widths give design '{design.name}' {target:,} {what} within {TOLERANCE:.0%}; the nearest are "
            f"{', '.join(f'{name} {width}' for name, width in best.items())} with {size(found, what):,}."
        )
    return found


def _nearest(design: Design, widths: dict[str, int], target: int, what: Matched, step: int) -> dict[str, int]:
    """Return the widths, in multiples of `step`, whose size is nearest to the target."""
    low, high = 0.0, _WIDEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _size(design, _times(widths, middle, step), what) < target else (low, middle)
    candidates = [_times(widths, factor, step) for factor in (low, high)]
    best = min(candidates, key=lambda found: abs(_size(design, found, what) - target))
    return _refined(design, best, target, what, step)


def _refined(design: Design, widths: dict[str, int], target: int, what: Matched, step: int) -> dict[str, int]:
    gap = abs(_size(design, widths, what) - target)
    while gap > _CLOSE * target:
        near = min(_neighbours(widths, step), key=lambda found: abs(_size(design, found, what) - target))
        nearer = abs(_size(design, near, what) - target)
        if nearer >= gap:
            break
        widths, gap = near, nearer
    return widths


def _neighbours(widths: dict[str, int], step: int) -> Iterable[dict[str, int]]:
    for name, width in widths.items():
        yield {**widths, name: width + step}
        if width > step:
            yield {**widths, name: width - step}


def _size(design: Design, widths: dict[str, int], what: Matched) -> float:
    try:
        return size(_with(design, widths), what)
    except ValidationError:  # wider than the largest allowed width
        return inf


def _widths(design: Design) -> dict[str, int]:
    found = {}
    for layer in design.layers[:-1]:
        if isinstance(layer, Conv2d):
            found[layer.name] = layer.filters
        elif isinstance(layer, Dense):
            found[layer.name] = layer.units
    return found


def _times(widths: dict[str, int], factor: float, step: int) -> dict[str, int]:
    return {name: step * max(1, round(width * factor / step)) for name, width in widths.items()}


def _with(design: Design, widths: dict[str, int]) -> Design:
    content: dict[str, Any] = design.model_dump()
    for layer in content["layers"]:
        if layer["name"] in widths:
            layer["filters" if layer["kind"] == "conv2d" else "units"] = widths[layer["name"]]
    return Design.model_validate(content)
