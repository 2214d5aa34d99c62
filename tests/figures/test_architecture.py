"""The architecture diagram says what the analysis says."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from muslin.analysis import analyze, describe_field
from muslin.design import describe_shape, load_design, parse_design
from muslin.figures import architecture_svg
from muslin.figures.svg_drawing import _points

from .conftest import COLOR_DESIGN

SVG = "{http://www.w3.org/2000/svg}"


def read(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  (our own)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in read(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", ["custom_cnn", "dense_baseline"])
def test_each_layer_has_a_block_with_its_shape_parameters_and_receptive_field(name: str) -> None:
    design = load_design(name)
    written = texts(architecture_svg(design))
    for row in analyze(design).layers:
        assert row.name in written
        assert describe_shape(row.output_shape) in written
        assert describe_field(row.receptive_field) in written
        if row.parameters:
            assert f"{row.parameters:,}" in written


def test_many_layers_go_on_in_a_second_row_inside_the_drawing() -> None:
    design = parse_design(COLOR_DESIGN, "color")
    root = read(architecture_svg(design))
    bands = root.findall(f"{SVG}g")
    assert [len(band.findall(f"{SVG}g")) for band in bands] == [9, 4]
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    assert width <= 860
    for band in bands:
        down = float(band.get("transform", "").split()[1].rstrip(")"))
        for text in band.iter(f"{SVG}text"):
            assert 12 <= float(text.get("x", "")) <= width - 12
            assert 0 <= down + float(text.get("y", "")) <= height
    (turn,) = root.findall(f"{SVG}path")  # from the first row to the second
    assert turn.get("fill") == "none"
    rows = [y for x, y in _points(turn.get("d", ""))]
    assert rows[-1] - rows[0] == pytest.approx(float(bands[1].get("transform", "").split()[1].rstrip(")")), abs=1)
    assert any(words.endswith("…") for words in texts(architecture_svg(design))), "long names are cut"


def test_reasons_become_tool_tips_whatever_characters_they_hold() -> None:
    awkward = 'because = "<script>alert(1)</script> & \\u0007 \\"quotes\\"\\nnext"\n[[layers]]\nkind = "flatten"'
    design = parse_design(COLOR_DESIGN.replace('[[layers]]\nkind = "flatten"', awkward), "awkward")
    svg = architecture_svg(design)
    assert "<script" not in svg
    titles = [element.text or "" for element in read(svg).iter(f"{SVG}title")]
    assert any('<script>alert(1)</script> &  "quotes"' in title for title in titles)


def test_the_drawing_takes_the_pages_ink() -> None:
    svg = architecture_svg(load_design("custom_cnn"))
    assert 'fill="currentColor"' in svg
    assert "black" not in svg
