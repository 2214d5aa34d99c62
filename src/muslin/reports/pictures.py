"""Embed a run's figures in an HTML page."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from xml.etree import ElementTree as ET

from markupsafe import Markup

from muslin.errors import RunError

HEAVY = 700_000  # bytes above which the PNG replaces the SVG …
_LIGHTER = 3  # … if the PNG is smaller by this factor
_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = "{http://www.w3.org/2000/svg}svg"
_PIXELS_PER_POINT = 4 / 3  # as CSS defines them


class Pictures:
    """The figures in one folder.

    A figure is embedded as SVG, or as PNG where the SVG is much heavier. Both are `<img>` elements: there, browsers
    run no scripts, load nothing and keep styles and ids to the image, so the figures of a foreign run folder cannot
    affect the page (https://www.w3.org/TR/SVG2/conform.html#secure-static-mode).

    Args:
        folder: the folder with `<name>.svg` and `<name>.png`; it may be missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __contains__(self, name: str) -> bool:
        return any((self.folder / f"{name}{suffix}").is_file() for suffix in (".svg", ".png"))

    def inline(self, name: str, says: str) -> Markup:
        """Return the markup of a figure.

        Args:
            name: file name without suffix.
            says: description of the figure for screen readers.

        Raises:
            RunError: the file cannot be read or is damaged.
        """
        drawing, picture = (self.folder / f"{name}{suffix}" for suffix in (".svg", ".png"))
        heavy = _size(drawing) > HEAVY and 0 < _LIGHTER * _size(picture) < _size(drawing)
        return _embed_png(picture, says) if heavy or not drawing.is_file() else _embed_svg(drawing, says)


def _embed_png(path: Path, says: str) -> Markup:
    content = _read(path)
    if not content.startswith(_PNG):
        raise _damaged(path, "it is not a PNG file")
    return Markup('<img alt="{}" src="data:image/png;base64,{}">').format(says, base64.b64encode(content).decode())


def _embed_svg(path: Path, says: str) -> Markup:
    content = _read(path)
    try:
        root = ET.fromstring(content)  # noqa: S314  (expat limits entities and reads no external ones)
    except ET.ParseError as error:
        raise _damaged(path, str(error)) from error
    if root.tag != _SVG:
        raise _damaged(path, "its root element is not svg")
    return Markup('<img class="drawing" alt="{}"{} src="data:image/svg+xml;base64,{}">').format(
        says, _own_width(root), base64.b64encode(content).decode()
    )


def _own_width(drawing: ET.Element) -> Markup:
    """Return a style that limits the figure to its own width in CSS pixels."""
    found = re.fullmatch(r"(\d{1,5}(?:\.\d*)?)(pt|px)?", drawing.get("width", ""))
    if found is None:
        return Markup()
    width = float(found[1]) * (_PIXELS_PER_POINT if found[2] == "pt" else 1)
    return Markup(' style="max-width:{:.0f}px"').format(width)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _damaged(path: Path, why: str) -> RunError:
    return RunError(f"figure {path} is damaged: {why}. Delete it, or run `muslin visualize` to draw the figures again.")
