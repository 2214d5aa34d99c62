"""Whatever is thrown at the reader of designs, it answers with a design or an explanation."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muslin.design import Claim, Design, format_design, load_design, parse_design
from muslin.design.explain import LAYER_KINDS
from muslin.errors import DesignError

FIELDS = sorted({field for model in (Design, Claim, *LAYER_KINDS.values()) for field in model.model_fields})
WORDS = [*LAYER_KINDS, "same", "relu", "softmax", "conv1"]
scalars = (
    st.integers()
    | st.floats()
    | st.booleans()
    | st.text(max_size=8)
    | st.sampled_from(WORDS)
    | st.dates()
    | st.sampled_from([10**40, -1, 0, 1, 3, "conv1"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner),
    max_leaves=8,
)
tables = st.dictionaries(st.sampled_from(FIELDS), values, max_size=8)
near_designs = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("tried") | values,
        "input_shape": st.just([8, 8, 1]) | values,
        "layers": st.lists(
            st.fixed_dictionaries(
                {"kind": st.sampled_from(WORDS) | values, "name": st.sampled_from(["a", "b", "c"]) | values},
                optional={field: values for field in FIELDS if field not in ("kind", "name")},
            )
            | values,
            max_size=4,
        )
        | values,
        "claims": st.lists(tables | values, max_size=2) | values,
        "title": values,
        "baseline": values,
    },
)


def check(text: str) -> None:
    try:
        parse_design(text, "mine.toml")
    except DesignError as error:
        message = str(error)
        assert message.startswith("mine.toml: ")
        assert message.isprintable()
        assert len(message) < 600


@pytest.mark.long
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(content=near_designs | tables)
def test_whatever_a_table_holds_the_answer_is_a_design_or_an_explanation(content: dict[str, Any]) -> None:
    text = tomlkit.dumps(content)
    tomllib.loads(text)
    check(text)


@settings(max_examples=100)
@given(text=st.text(st.sampled_from("[]{}=.,\"'\\#\n x10layersnamekd"), max_size=60) | st.text(max_size=60))
def test_whatever_the_text_the_answer_is_a_design_or_an_explanation(text: str) -> None:
    check(text)


@pytest.mark.long
@settings(max_examples=100)
@given(position=st.integers(0, 4000), replacement=st.text(max_size=3))
def test_a_damaged_design_is_explained(position: int, replacement: str) -> None:
    text = format_design(load_design("custom_cnn"))
    check(text[:position] + replacement + text[position + 2 :])
