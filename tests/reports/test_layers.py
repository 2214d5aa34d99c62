from __future__ import annotations

from typing import Any, get_args

import pytest

from muslin.design import Layer
from muslin.recipe import load_recipe
from muslin.reports.layers import choice

UNDESCRIBED = {"kind", "name", "because"}  # shown in places of their own
# A field → a value for it; the layer is made with the required ones, then with each field changed.
VALUES: dict[str, tuple[Any, Any]] = {
    "filters": (8, 16),
    "kernel": (3, 5),
    "stride": (1, 2),
    "dilation": (1, 2),
    "padding": ("same", "valid"),
    "activation": ("relu", "elu"),
    "normalization": ("none", "batch"),
    "units": (8, 16),
    "rate": (0.25, 0.5),
}
KINDS = get_args(get_args(Layer)[0])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_field_of_a_layer_is_named(kind: type) -> None:
    fields = kind.model_fields.keys() - UNDESCRIBED  # type: ignore[attr-defined]
    content = {"name": "layer"} | {field: VALUES[field][0] for field in fields}
    for field in fields:
        changed = content | {field: VALUES[field][1]}
        assert choice(kind(**content)) != choice(kind(**changed)), f"{field} makes no difference"


def test_the_reason_of_a_library_recipe_is_true_of_any_data() -> None:
    assert "normalization" not in load_recipe("fast").because
