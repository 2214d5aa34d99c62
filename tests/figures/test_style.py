"""Every figure suits light and dark pages, keeps inside its edges, and leaves the rest of the program alone."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from muslin import figures
from muslin.errors import MuslinError
from muslin.figures import style

from .conftest import all_figures, an_evaluation

NAMES = tuple(all_figures())
SMALLEST_TEXT = 9  # CSS pixels
PAPERS = ("#fffefb", "#171614")


def luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", [style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE, style.GRAY])
def test_the_colors_of_data_stand_out_from_light_and_dark(color: str) -> None:
    assert all(contrast(color, paper) > 2.9 for paper in PAPERS)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_figure_becomes_clean_svg_in_the_pages_own_ink(drawn: dict[str, Figure], name: str) -> None:
    svg = figures.to_svg(drawn[name], name)
    root = ET.fromstring(svg)  # noqa: S314  (our own)
    assert root.tag.endswith("svg")
    assert style.INK not in svg
    assert "currentColor" in svg
    assert "<style" not in svg
    assert "DejaVu" not in svg
    assert not re.search(r"<dc:|metadata|matplotlib\.org", svg)
    ids = re.findall(r'\bid="([^"]*)"', svg)
    assert len(set(ids)) == len(ids)
    assert all(an_id.startswith(f"{name}-") for an_id in ids)
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg)) == set(ids)
    # Nothing paints the whole figure: the page's ground shows through.
    first = next(element for element in root.iter() if element.tag.endswith(("path", "rect", "image")))
    assert "fill: #ffffff" not in first.get("style", "")


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut_off_and_no_text_is_too_small(
    drawn: dict[str, Figure], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure, written = drawn[name], []

    def draw(text: Text, renderer: RendererBase) -> None:
        if text.get_text().strip():
            written.append(text)

    # Only what is drawn counts: an axis keeps tick labels outside of its view, too.
    monkeypatch.setattr(Text, "draw", draw)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert written
    for text in written:
        edges, slack = text.get_window_extent(canvas.get_renderer()), 3
        assert edges.x0 >= -slack, text
        assert edges.y0 >= -slack, text
        assert edges.x1 <= figure.bbox.width + slack, text
        assert edges.y1 <= figure.bbox.height + slack, text
        assert text.get_fontsize() * 4 / 3 >= SMALLEST_TEXT
        assert "mathdefault" not in text.get_text()


@pytest.mark.long
@pytest.mark.parametrize("name", ["training_curves", "filters", "feature_maps"])
def test_drawing_the_same_twice_gives_the_same_bytes(drawn: dict[str, Figure], name: str, tmp_path: Path) -> None:
    again = all_figures()[name]()
    assert figures.to_svg(again, name) == figures.to_svg(drawn[name], name)
    one, two = (figures.save(figure, tmp_path / n / name) for n, figure in (("a", again), ("b", drawn[name])))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_saving_writes_an_svg_that_switches_by_itself_and_a_sharp_png(tmp_path: Path) -> None:
    figure = figures.confusion_matrix(an_evaluation())
    drawing, picture = figures.save(figure, tmp_path / "figures" / "confusion.matrix")
    assert (drawing.name, picture.name) == ("confusion.matrix.svg", "confusion.matrix.png")
    text = drawing.read_text()
    ET.fromstring(text)  # noqa: S314  (our own)
    assert "prefers-color-scheme:dark" in text
    with Image.open(picture) as image:
        width = figure.get_figwidth() * style.PIXELS_PER_INCH + 2 * style.MARGIN
        assert image.width == pytest.approx(2 * width, abs=2)
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert figures.save(figure, tmp_path / "one", formats=("png",)) == (tmp_path / "one.png",)


def test_a_class_may_be_named_with_an_emoji(tmp_path: Path) -> None:
    evaluation = an_evaluation()
    named = replace(evaluation, class_names=("\N{T-SHIRT}", *evaluation.class_names[1:]))
    figures.save(figures.confusion_matrix(named), tmp_path / "emoji")  # a warning would be an error here


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("a file in the way")
    with pytest.raises(MuslinError, match="figures"):
        figures.save(figures.reliability(an_evaluation()), tmp_path / "figures" / "reliability")


def test_the_persons_own_matplotlib_settings_neither_matter_nor_change() -> None:
    plain = figures.to_svg(figures.reliability(an_evaluation()), "r")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path", "lines.linewidth": 9}):
        mine = dict(mpl.rcParams)
        assert figures.to_svg(figures.reliability(an_evaluation()), "r") == plain
        assert dict(mpl.rcParams) == mine


@pytest.mark.long
def test_figures_come_without_pyplot_and_the_diagram_without_matplotlib_or_torch() -> None:
    code = (
        "import sys; from muslin.design import load_design; from muslin.figures import architecture_svg\n"
        "architecture_svg(load_design('custom_cnn'))\n"
        "assert not {'matplotlib', 'torch', 'numpy'} & set(sys.modules), 'too much'\n"
        "import muslin.figures as f; [getattr(f, name) for name in f.__all__]\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_figure_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="pie_chart"):
        figures.pie_chart  # noqa: B018
