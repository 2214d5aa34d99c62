"""One look for every figure: colours, type, sizes, and how a figure becomes SVG or PNG.

Ink and ground switch with the page; data don't. A figure is drawn on nothing, with text, axes and grid in `INK`, and
`to_svg` writes that one colour as CSS's `currentColor`. Inlined in a page, the figure takes the page's text colour,
light or dark. The colours of data are mid-tones that stand out from white and from near-black alike.
"""

from __future__ import annotations

import functools
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from muslin._disk.files import replacing, write_text

INK = "#1d1c1a"
DARK_INK = "#e6e2d9"  # what `INK` becomes where a saved SVG is opened by itself in the dark
# After Okabe & Ito, "Color Universal Design" (2008), which people with any colour vision tell apart; only those of
# their colours that keep a contrast of 3 with a white and with a near-black ground.
BLUE, VERMILLION, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7f7b73"

FAINT, SOFT = 0.14, 0.65  # opacity of ink for grid lines, and for what is secondary
WIDTH = 860  # CSS pixels: the width of the report's figures
TEXT, SMALL = 8.25, 7.5  # points: 11 and 10 CSS pixels
PIXELS_PER_INCH = 96  # CSS pixels, by definition
MARGIN = 12  # CSS pixels of white around a PNG; a page has margins of its own
SHARPNESS = 2  # device pixels per CSS pixel in a PNG

# Signed weights and evidence: blue below zero, white at it, vermillion above.
DIVERGING = LinearSegmentedColormap.from_list(
    "muslin_diverging", ["#003f66", BLUE, "#8fc1e0", "#f7f5f0", "#f3b284", VERMILLION, "#7d3500"]
)
# Amounts from nothing upwards: made for colour-blind eyes, even in lightness (Nuñez, Anderton & Renslow, PLOS ONE
# 2018).
SEQUENTIAL = mpl.colormaps["cividis"]
GRAY = mpl.colormaps["gray"]

_FONT_STACK = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif"
_LOOK: dict[Any, Any] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib and is wide: what fits with it fits with every other
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": TEXT,
    "legend.frameon": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "axes.linewidth": 0.75,
    "xtick.major.width": 0.75,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": INK,
    "grid.alpha": FAINT,
    "grid.linewidth": 0.75,
    "figure.facecolor": "none",
    "figure.dpi": PIXELS_PER_INCH,
    "lines.linewidth": 1.75,
    "lines.solid_capstyle": "round",
    "image.interpolation": "none",
    "image.composite_image": False,
    "text.parse_math": False,  # a class may be called "$5 shirt"
    "svg.fonttype": "none",
    "svg.hashsalt": "muslin",
}
_ALONE = (
    f"<style>svg{{color-scheme:light dark;color:{INK}}}"
    f"@media (prefers-color-scheme:dark){{svg{{color:{DARK_INK}}}}}</style>"
)

_Arguments = ParamSpec("_Arguments")


def styled(draw: Callable[_Arguments, Figure]) -> Callable[_Arguments, Figure]:
    """Draw in this look, whatever the person's own matplotlib settings are, and leave those as they were.

    Axes are moved to make room for their labels once, here: matplotlib would do it again at each saving, with a
    slightly different outcome.
    """

    @functools.wraps(draw)
    def drawn(*arguments: _Arguments.args, **options: _Arguments.kwargs) -> Figure:
        with _look():
            figure = draw(*arguments, **options)
            if figure.get_layout_engine() is not None:
                figure.draw_without_rendering()
                figure.set_layout_engine("none")
            return figure

    return drawn


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, its size in CSS pixels, whose axes will make room for their labels."""
    return Figure(figsize=(width / PIXELS_PER_INCH, height / PIXELS_PER_INCH), layout="constrained")


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element to stand inside a page.

    The same figure gives the same text. Text stays text.

    Args:
        figure: one that this package drew.
        name: put before the element's ids, which must be unique in a page.
    """
    buffer = io.StringIO()
    with _look():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    svg = re.sub(r"(?s)<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg[svg.index("<svg") :])
    svg = svg.replace(INK, "currentColor").replace("'DejaVu Sans', sans-serif", _FONT_STACK)
    linked = set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in linked else "", svg)
    svg = re.sub(r'(url\(|href=")#', rf"\1#{name}-", svg)
    # What matplotlib's own style sheet says; as attributes of the root, it stays inside the figure.
    svg = svg.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)
    return re.sub(r"\n\s*\n+", "\n", re.sub(r"<defs>\s*</defs>", "", svg))


def save(figure: Figure, path: Path, formats: tuple[str, ...] = ("svg", "png")) -> tuple[Path, ...]:
    """Write a figure beside itself in several formats; returns the files' paths.

    The SVG has no ground and follows the reader's preference for light or dark; the PNG is dark on white, at twice the
    size for sharp screens.

    Args:
        figure: one that this package drew.
        path: without a suffix, e.g. ``figures/confusion_matrix``.
        formats: "svg", "png".

    Raises:
        MuslinError: a file can't be written.
    """
    return tuple(_WRITERS[name](figure, path.with_name(f"{path.name}.{name}")) for name in formats)


def alone(svg: str) -> str:
    """An `<svg>` element as a file of its own, which switches its ink by itself."""
    end = svg.index(">", svg.index("<svg")) + 1
    return f'<?xml version="1.0" encoding="utf-8"?>\n{svg[:end]}{_ALONE}{svg[end:]}'


def _write_svg(figure: Figure, path: Path) -> Path:
    write_text(path, alone(to_svg(figure, path.stem)))
    return path


def _write_png(figure: Figure, path: Path) -> Path:
    with replacing(path) as temporary, _look():
        figure.savefig(
            temporary,
            format="png",
            dpi=SHARPNESS * PIXELS_PER_INCH,
            facecolor="white",
            bbox_inches=figure.bbox_inches.padded(MARGIN / PIXELS_PER_INCH),
            metadata={"Software": None},
        )
    return path


_WRITERS: dict[str, Callable[[Figure, Path], Path]] = {"svg": _write_svg, "png": _write_png}


@contextmanager
def _look() -> Iterator[None]:
    with mpl.rc_context(), warnings.catch_warnings():
        # A class may have an emoji for a name: a PNG shows a box for it, and an SVG leaves it to the reader's fonts.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(_LOOK)
        yield
