"""docs/reference/designs.md says what the code does: every kind, field, default, choice and measure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from muslin.analysis import analyze
from muslin.design import Activation, Claim, Design, Normalization, Padding, library, parse_design
from muslin.design.explain import LAYER_KINDS
from muslin.evaluation.claims import require_measurable
from muslin.evaluation.measures import MEASURES

DOCS = (Path(__file__).parents[2] / "docs" / "reference" / "designs.md").read_text(encoding="utf-8")
REQUIRED = "required"


def section(heading: str) -> str:
    """What stands under a heading, up to the next one."""
    found = re.search(rf"^#+ [^\n]*{re.escape(heading)}[^\n]*\n(.*?)(?=^#+ |\Z)", DOCS, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    return found[1]


def defaults(text: str) -> dict[str, str]:
    """The last column of a section's table, by the field in its first."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", text, re.MULTILINE)
    return dict(rows)


@pytest.mark.parametrize("kind", LAYER_KINDS)
def test_every_field_of_a_layer_is_there_with_its_default(kind: str) -> None:
    documented = defaults(section(f"`{kind}`"))
    fields = {
        name: field for name, field in LAYER_KINDS[kind].model_fields.items() if name not in ("kind", "name", "because")
    }
    assert set(documented) == set(fields)
    for name, field in fields.items():
        if field.is_required():
            expected = REQUIRED
        elif field.default is None:
            expected = "the kernel"
        else:
            default = field.default[0] if isinstance(field.default, tuple) else field.default
            expected = f'`"{default}"`' if isinstance(default, str) else f"`{default}`"
        assert documented[name] == expected, name


def test_every_field_of_all_layers_and_of_the_design_is_there() -> None:
    assert set(defaults(section("Layers"))) == {"kind", "name", "because"}
    documented = defaults(section("The design's own fields"))
    assert set(documented) == set(Design.model_fields)
    for name, field in Design.model_fields.items():
        assert (documented[name] == REQUIRED) == field.is_required(), name


def test_every_field_of_a_claim_and_every_measure_is_there() -> None:
    text = section("Claims")
    for name in (*Claim.model_fields, *MEASURES):
        assert f"`{name}`" in text, name


def test_every_choice_is_there() -> None:
    for choice in (*get_args(Activation), *get_args(Padding), *get_args(Normalization)):
        assert f'`"{choice}"`' in DOCS, choice


def test_the_designs_of_the_library_are_there() -> None:
    for name in library():
        assert f"`{name}`" in DOCS


def test_the_example_is_valid_and_its_claim_is_true() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    design = parse_design(example)
    require_measurable(design)
    assert all(layer.because for layer in design.layers)
    assert analyze(design).int8_bytes <= 8192
