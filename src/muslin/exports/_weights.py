"""Whether weights belong to a design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from muslin.design import Design, Shape, describe_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

# By the names of the network's state_dict: "<layer>.weight" (output axis first) and "<layer>.bias".
Weights: TypeAlias = "Mapping[str, NDArray[np.float32]]"


def expected_shapes(design: Design) -> dict[str, Shape]:
    """The arrays that a design's network consists of.

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
    """In what the arrays found (name → type, shape) differ from the design's, in words; None if in nothing."""
    expected = expected_shapes(design)
    missing = [name for name in expected if name not in found]
    surplus = [name for name in found if name not in expected]
    if missing:
        return f"'{missing[0]}' is missing" + _and_more(missing)
    if surplus:
        return f"it also holds '{surplus[0]}', which the design does not have" + _and_more(surplus)
    for name, shape in expected.items():
        kind, there = found[name]
        if there != shape:
            is_there = describe_shape(there) or "a single number"
            return f"'{name}' is {is_there}, where the design has {describe_shape(shape)}"
        if kind != "float32":
            return f"'{name}' holds {kind} numbers, where weights are float32"
    return None


def not_finite(weights: Weights) -> str | None:
    """The first array with a value that is no number, in words; None if all values are finite."""
    for name, values in weights.items():
        bad = int(values.size - np.count_nonzero(np.isfinite(values)))
        if bad:
            return f"'{name}' holds {bad:,} values that are infinite or not a number"
    return None


def _and_more(names: list[str]) -> str:
    return f" ({len(names) - 1} more like it)" if len(names) > 1 else ""
