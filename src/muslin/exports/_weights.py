"""Check that weights fit a design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from muslin._words import count
from muslin.design import Design, Shape, describe_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Keys are the names in the network's state_dict: "<layer>.weight" (output axis first) and "<layer>.bias".
Weights: TypeAlias = "Mapping[str, NDArray[np.float32]]"


def expected_shapes(design: Design) -> dict[str, Shape]:
    """Return the shapes of all arrays of a design's network, by name.

    >>> from muslin.design import load_design
    >>> expected_shapes(load_design("dense_baseline"))["hidden.weight"]
    (128, 784)
    """
    return {
        f"{layer.name}.{part}": shape
        for layer, entering, _ in design.placed
        for part, shape in layer.parameter_shapes(entering).items()
    }


def mismatch(design: Design, found: Mapping[str, tuple[str, Shape]]) -> str | None:
    """Return in words how the arrays found (name → type, shape) differ from the design's; None if they match."""
    expected = expected_shapes(design)
    missing = [name for name in expected if name not in found]
    surplus = [name for name in found if name not in expected]
    if missing:
        return f"'{missing[0]}' is missing" + _and_more(missing)
    if surplus:
        return f"'{surplus[0]}' is not part of the design" + _and_more(surplus)
    for name, shape in expected.items():
        kind, there = found[name]
        if there != shape:
            return f"'{name}' has shape {describe_shape(there) or '()'}, but the design needs {describe_shape(shape)}"
        if kind != "float32":
            return f"'{name}' has type {kind}, but weights must be float32"
    return None


def not_finite(weights: Weights) -> str | None:
    """Return in words the first array with values that are not finite; None if all values are finite."""
    for name, values in weights.items():
        bad = int(values.size - np.count_nonzero(np.isfinite(values)))
        if bad:
            return f"'{name}' has {count(bad, 'value')} that {'is' if bad == 1 else 'are'} infinite or NaN"
    return None


def _and_more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
