from __future__ import annotations

import base64
import io
import re
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


def test_a_drawing_is_embedded_byte_for_byte_and_says_what_it_shows(tmp_path: Path) -> None:
    markup = inline(tmp_path, '<g fill="currentColor"><path d="M0 0L1 1"/><text>a &amp; b</text></g>')
    found = re.fullmatch(
        r'<img class="drawing" alt="what it shows" style="max-width:96px" src="data:image/svg\+xml;base64,(.*)">',
        markup,
    )
    assert found
    assert base64.b64decode(found[1]) == (tmp_path / "drawing.svg").read_bytes()


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<foreignObject><div>alert(1)</div></foreignObject>",
        "<style>* { display: none } /* alert(1) */</style>",
        "<!-- alert(1) --><?xml-stylesheet href='alert(1)'?>",
        '<animate attributeName="href" values="alert(1)"/>',
        '<rect onclick="alert(1)"/>',
        '<use xlink:href="javascript:alert(1)"/>',
        '<image href="data:image/svg+xml,alert(1)"/>',
        '<rect style="fill: url(//example.org/alert(1))"/>',
    ],
)
def test_a_hostile_drawing_stays_inside_its_image(tmp_path: Path, body: str) -> None:
    # Nothing of it becomes markup of the page; within an <img>, browsers run and load nothing.
    markup = inline(tmp_path, f'{body}<circle id="a&quot;&gt;&lt;script&gt;"/>')
    assert re.fullmatch(r'<img( [a-z]+="[A-Za-z0-9 :;,/+=-]*")+>', markup)


@pytest.mark.parametrize("width", ["72pt", "1e9px", "72pt;position:fixed", "1.2.3pt", "9" * 40, "100%"])
def test_a_width_becomes_a_number_or_nothing(tmp_path: Path, width: str) -> None:
    (tmp_path / "drawing.svg").write_text(f'<svg {SPACES} width="{width}"/>')
    markup = str(Pictures(tmp_path).inline("drawing", ""))
    assert ("style" in markup) == (width == "72pt")


def test_a_heavy_drawing_gives_way_to_a_light_picture(tmp_path: Path) -> None:
    drawing = "<path/>" * (HEAVY // 7 + 1)
    assert "svg+xml" in inline(tmp_path, drawing)
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(buffer, "png")
    (tmp_path / "drawing.png").write_bytes(buffer.getvalue())
    assert inline(tmp_path, drawing).startswith('<img alt="what it shows" src="data:image/png;base64,iVBOR')
    assert "svg+xml" in inline(tmp_path, "<path/>")


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
