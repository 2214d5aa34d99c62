from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from muslin.errors import RunError
from muslin.reports.pictures import HEAVY, Pictures

SPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
SVG = f'<svg {SPACES} width="72pt" height="36pt">{{}}</svg>'


def inline(folder: Path, body: str, name: str = "drawing") -> str:
    (folder / f"{name}.svg").write_text(SVG.format(body), encoding="utf-8")
    return str(Pictures(folder).inline(name, "what it shows"))


def test_a_drawing_keeps_its_shapes_and_says_what_it_shows(tmp_path: Path) -> None:
    markup = inline(tmp_path, '<g fill="currentColor"><path d="M0 0L1 1"/><text>a &amp; b</text></g>')
    assert markup == (
        '<svg role="img" aria-label="what it shows" style="max-width:96px">'
        '<g fill="currentColor"><path d="M0 0L1 1" /><text>a &amp; b</text></g></svg>'
    )


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<foreignObject><div>alert(1)</div></foreignObject>",
        "<style>* { display: none } /* alert(1) */</style>",
        "<!-- alert(1) --><?xml-stylesheet href='alert(1)'?>",
        '<animate attributeName="href" values="alert(1)"/>',
        '<rect onclick="alert(1)"/>',
        '<rect ONLOAD="alert(1)"/>',
        '<use xlink:href="javascript:alert(1)"/>',
        '<image xlink:href="http://example.org/alert(1)"/>',
        '<image href="data:image/svg+xml,alert(1)"/>',
        '<rect fill="url(http://example.org/alert(1))"/>',
        '<rect style="fill: url(//example.org/alert(1))"/>',
    ],
)
def test_what_does_not_draw_is_dropped(tmp_path: Path, body: str) -> None:
    markup = inline(tmp_path, f"{body}<circle/>")
    assert "alert" not in markup
    assert "example" not in markup
    assert "<circle" in markup


def test_equal_ids_of_two_drawings_stay_apart(tmp_path: Path) -> None:
    body = (
        '<defs><clipPath id="p"><rect/></clipPath></defs>'
        '<use xlink:href="#p"/><g clip-path="url(#p)"/><g style="clip-path: url(\'#p\')"/>'
    )
    one, two = inline(tmp_path, body, "one"), inline(tmp_path, body, "two")
    assert one.count("one-p") == 4
    assert two == one.replace("one-p", "two-p")


def test_a_heavy_drawing_gives_way_to_a_light_picture(tmp_path: Path) -> None:
    drawing = "<path/>" * (HEAVY // 7 + 1)
    assert "<path" in inline(tmp_path, drawing)
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(buffer, "png")
    (tmp_path / "drawing.png").write_bytes(buffer.getvalue())
    assert inline(tmp_path, drawing).startswith('<img alt="what it shows" src="data:image/png;base64,iVBOR')
    assert "<path" in inline(tmp_path, "<path/>")


def test_what_is_not_there_is_not_in_the_pictures(tmp_path: Path) -> None:
    assert "filters" not in Pictures(tmp_path / "nowhere")
    (tmp_path / "filters.svg").touch()
    assert "filters" in Pictures(tmp_path)


@pytest.mark.parametrize("content", ["", "<svg", "<html/>", '<!DOCTYPE a [<!ENTITY b "c">]><svg>&d;</svg>'])
def test_a_damaged_drawing_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "drawing.svg").write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=r"drawing\.svg is damaged"):
        Pictures(tmp_path).inline("drawing", "")


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "drawing.png").write_bytes(b"GIF89a")
    with pytest.raises(RunError, match=r"drawing\.png is damaged: it is not a PNG"):
        Pictures(tmp_path).inline("drawing", "")
