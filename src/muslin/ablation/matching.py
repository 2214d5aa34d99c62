"""Twins of equal size: widths solved so that a network has as many parameters, or MACs, as another."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

from pydantic import ValidationError

from muslin.analysis import analyze
from muslin.design import Conv2d, Dense, Design
from muslin.design.decision import Matched
from muslin.errors import DesignError

TOLERANCE = 0.02  # of the size that is to be met
_STEPS = (8, 1)  # widths are multiples of the first if those reach the size: the lanes of a vector register
_CLOSE = 0.002  # no finer search below this
_WIDEST = 64.0  # factor
_HALVINGS = 40


def size(design: Design, what: Matched) -> int:
    """Parameters or MACs of a design."""
    return int(getattr(analyze(design), what))


def matches(design: Design, target: int, what: Matched) -> bool:
    """Whether a design is of that size, within 2%."""
    return abs(size(design, what) - target) <= TOLERANCE * target


def match_widths(design: Design, target: int, what: Matched = "parameters") -> Design:
    """The design with other widths, so that its size is `target` within 2%.

    Filters and units of all layers but the last are multiplied with one factor, found by bisection, which keeps their
    proportions; then single layers are widened or narrowed one by one while that comes closer. Widths are multiples of
    eight where those come within 2%: others compute more slowly for no reason of the design's, and a twin's time is
    compared, too.

    Args:
        design: whose hidden layers may change.
        target: parameters or MACs.
        what: which of the two.

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
    """Widths in multiples of `step` whose size comes nearest to the target."""
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
    except ValidationError:  # wider than a design may be
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
