"""Draw the SVG markup that this package writes by hand with matplotlib, for a PNG of it."""

from __future__ import annotations

import re
from typing import Literal
from xml.etree import ElementTree as ET

from matplotlib.patches import Polygon

from muslin.figures.canvas import POINTS_PER_PIXEL, Canvas
from muslin.figures.style import INK, Figure, looking

_NAMESPACE = "{http://www.w3.org/2000/svg}"
_STEP = re.compile(r"([MHhvlz])([^MHhvlz]*)")
_ANCHORS: dict[str, Literal["left", "center", "right"]] = {"start": "left", "middle": "center", "end": "right"}


def to_figure(svg: str) -> Figure:
    """Draw markup by this package as a matplotlib figure.

    Args:
        svg: an `<svg>` element made of groups, texts, and paths of straight lines, as `architecture_svg` writes it.
    """
    root = ET.fromstring(svg)  # noqa: S314  (written by this package)
    with looking():
        canvas = Canvas(float(root.attrib["height"]), float(root.attrib["width"]))
        _draw(canvas, root, 0.0, 0.0)
    return canvas.figure


def _draw(canvas: Canvas, element: ET.Element, x: float, y: float) -> None:
    moved = re.match(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
    if moved:
        x, y = x + float(moved[1]), y + float(moved[2])
    for child in element:
        if child.tag == f"{_NAMESPACE}g":
            _draw(canvas, child, x, y)
        elif child.tag == f"{_NAMESPACE}path":
            _draw_path(canvas, child, x, y)
        elif child.tag == f"{_NAMESPACE}text":
            _draw_text(canvas, child, x, y)


def _draw_path(canvas: Canvas, element: ET.Element, x: float, y: float) -> None:
    points = [(x + across, y + down) for across, down in _points(element.attrib["d"])]
    if element.get("stroke"):
        columns, rows = zip(*points, strict=True)
        canvas.axes.plot(
            columns, rows, color=INK, linewidth=0.75, alpha=float(element.get("opacity", 1)), clip_on=False
        )
        return
    color, opacity = element.get("fill", INK), float(element.get("fill-opacity", 1))
    canvas.axes.add_patch(Polygon(points, facecolor=color, alpha=opacity, linewidth=0, clip_on=False))


def _points(path: str) -> list[tuple[float, float]]:
    x = y = 0.0
    points = []
    for command, written in _STEP.findall(path):
        values = [float(value) for value in written.split()]
        match command:
            case "M":
                x, y = values
            case "l":
                x, y = x + values[0], y + values[1]
            case "h":
                x += values[0]
            case "H":
                x = values[0]
            case "v":
                y += values[0]
            case _:  # "z": a polygon closes itself
                continue
        points.append((x, y))
    return points


def _draw_text(canvas: Canvas, element: ET.Element, x: float, y: float) -> None:
    canvas.text(
        x + float(element.attrib["x"]),
        y + float(element.attrib["y"]),
        element.text or "",
        align=_ANCHORS[element.get("text-anchor", "start")],
        size=POINTS_PER_PIXEL * float(element.get("font-size", 11)),
        soft=element.get("fill-opacity") is not None,
        weight="bold" if element.get("font-weight") else "normal",
        va="baseline",
    )
