"""Inline a run's figures into an HTML page."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from markupsafe import Markup

from muslin.errors import RunError

LARGEST = 20_000_000  # bytes of one file; figures have about 200,000
HEAVY = 700_000  # bytes above which the PNG replaces the SVG …
_LIGHTER = 3  # … if the PNG is smaller by this factor
_PNG = b"\x89PNG\r\n\x1a\n"
_PIXELS_PER_POINT = 4 / 3  # as CSS defines them
_SHAPES = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "image", "use"}
_HELPERS = {"svg", "g", "defs", "symbol", "clipPath", "mask", "title", "linearGradient", "radialGradient", "stop"}
_LINK = re.compile(r"url\(\s*['\"]?#([^)'\"]+)['\"]?\s*\)")


class Pictures:
    """The figures in one folder.

    A figure is inlined as SVG, or as PNG if the SVG is much larger. Only drawing elements are inlined: scripts, style
    sheets (they would apply to the whole page), event handlers and links to other pages are dropped, so a run folder
    from someone else cannot run code. Ids get the figure's name as a prefix, because two figures may use the same ids.

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
        return _inline_png(picture, says) if heavy or not drawing.is_file() else _inline_svg(drawing, name, says)


def _inline_png(path: Path, says: str) -> Markup:
    content = _read(path)
    if not content.startswith(_PNG):
        raise _damaged(path, "it is not a PNG file")
    return Markup('<img alt="{}" src="data:image/png;base64,{}">').format(says, base64.b64encode(content).decode())


def _inline_svg(path: Path, name: str, says: str) -> Markup:
    try:
        root = ET.fromstring(_read(path))  # noqa: S314  (expat limits entities and reads no external ones)
    except ET.ParseError as error:
        raise _damaged(path, str(error)) from error
    if _local(root.tag) != "svg":
        raise _damaged(path, f"its root element is {_local(root.tag)}, not svg")
    clean = _cleaned(root, f"{name}-")
    width = _width(clean)
    for attribute in ("width", "height", "id"):
        clean.attrib.pop(attribute, None)
    clean.attrib |= {"role": "img", "aria-label": says} | ({"style": f"max-width:{width:.0f}px"} if width else {})
    return Markup(ET.tostring(clean, encoding="unicode"))  # noqa: S704  (just cleaned, and escaped by tostring)


def _cleaned(element: ET.Element, prefix: str) -> ET.Element:
    """Return a copy with drawing elements only, without XML namespaces and with prefixed ids."""
    copy = ET.Element(_local(element.tag), dict(_attributes(element, prefix)))
    copy.text, copy.tail = element.text, element.tail
    copy.extend(_cleaned(child, prefix) for child in element if _local(child.tag) in _SHAPES | _HELPERS)
    return copy


def _attributes(element: ET.Element, prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in element.attrib.items():
        name = _local(key)
        if name.lower().startswith("on") or name == "space":
            continue
        if name == "id":
            yield name, prefix + value
        elif name == "href":
            if value.startswith("#"):
                yield name, f"#{prefix}{value[1:]}"
            elif value.startswith("data:image/png;base64,"):
                yield name, value
        elif "url(" not in _LINK.sub("", value):
            yield name, _LINK.sub(lambda link: f"url(#{prefix}{link[1]})", value)


def _local(tag: object) -> str:
    # ElementTree gives comments and processing instructions a function as their tag.
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _width(drawing: ET.Element) -> float | None:
    """Return the drawing's width in CSS pixels, or None if it states none."""
    found = re.fullmatch(r"([\d.]+)(pt|px)?", drawing.get("width", ""))
    if found is None:
        return None
    return float(found[1]) * (_PIXELS_PER_POINT if found[2] == "pt" else 1)


def _read(path: Path) -> bytes:
    try:
        if _size(path) > LARGEST:
            raise _damaged(path, f"it has more than {LARGEST:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"figure {path} cannot be read: {error.strerror}") from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _damaged(path: Path, why: str) -> RunError:
    return RunError(f"figure {path} is damaged: {why}. Delete it, or run `muslin visualize` to draw the figures again.")
