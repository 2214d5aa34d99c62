"""A design that is written and read again is the same design."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from helpers.strategies import worded_designs
from muslin.design import Design, format_design, library, load_design, parse_design, save_design
from muslin.design.template import format_commented


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(design=worded_designs())
def test_a_saved_design_loads_as_an_equal_design(tmp_path: Path, design: Design) -> None:
    save_design(design, tmp_path / "saved.toml")
    assert load_design(tmp_path / "saved.toml") == design


@settings(max_examples=50)
@given(design=worded_designs())
def test_comments_change_nothing(design: Design) -> None:
    assert parse_design(format_commented(design, "some.toml")) == design


@pytest.mark.parametrize("name", library())
def test_the_designs_of_the_library_survive_a_round_trip(name: str) -> None:
    design = load_design(name)
    assert parse_design(format_design(design)) == design


@pytest.mark.parametrize("name", library())
def test_a_written_design_keeps_to_the_width_of_a_page(name: str) -> None:
    assert max(len(line) for line in format_design(load_design(name)).splitlines()) <= 101


@pytest.mark.parametrize(
    "text", ["a  b " * 60, " led by a space" * 20, 'quotes " and \\ backslashes ' * 10, "line\nbreak " * 30]
)
def test_long_texts_are_wrapped_without_losing_a_space(text: str) -> None:
    design = load_design("dense_baseline").model_copy(update={"because": text})
    assert tomllib.loads(format_design(design))["because"] == text


def test_a_file_with_a_byte_order_mark_loads(tmp_path: Path) -> None:
    path = tmp_path / "from_windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + format_design(load_design("custom_cnn")).replace("\n", "\r\n").encode())
    assert load_design(path) == load_design("custom_cnn")


def test_defaults_are_written_out() -> None:
    layer = tomllib.loads(format_design(load_design("custom_cnn")))["layers"][0]
    assert (layer["stride"], layer["dilation"], layer["padding"]) == (1, 1, "same")


def test_equal_designs_are_equal_whatever_was_asked_of_them() -> None:
    asked, fresh = load_design("custom_cnn"), load_design("custom_cnn")
    assert asked.placed
    assert asked == fresh
    assert hash(asked) == hash(fresh)
