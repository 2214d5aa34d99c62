"""The style of all figures: colors, fonts and sizes, and writing figures as SVG and PNG.

Figures have a transparent background and draw text, axes and grid in `INK`, which `to_svg` writes as CSS's
`currentColor`. A figure inlined in a page therefore takes the page's text color, light or dark. The colors of data do
not change; they are mid-tones with enough contrast to white and to near-black.
"""

from __future__ import annotations

import base64
import functools
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, cast

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as MatplotlibFigure
from PIL import Image

from muslin._disk.files import replacing, write_text

INK = "#1d1c1a"
DARK_INK = "#e6e2d9"  # replaces `INK` where a saved SVG is opened by itself in dark mode
# From Okabe & Ito, "Color Universal Design" (2008), distinguishable with any color vision; only those of their colors
# that have a contrast of about 3 with white and with near-black.
BLUE, VERMILLION, GREEN, PURPLE, GRAY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7f7b73"

FAINT, SOFT = 0.14, 0.65  # opacity of grid lines, and of secondary text
WIDTH = 860  # CSS pixels: the width of the report's figures
TEXT, SMALL = 8.25, 7.5  # points: 11 and 10 CSS pixels
PIXELS_PER_INCH = 96  # CSS pixels, by definition
MARGIN = 12  # CSS pixels of white around a PNG
_MOST_COLORS = 4096  # of a figure that is shown with a palette; photos and color maps have more
SHARPNESS = 2  # device pixels per CSS pixel in a PNG

# Signed weights and evidence: blue below zero, white at it, vermillion above.
DIVERGING = LinearSegmentedColormap.from_list(
    "muslin_diverging", ["#003f66", BLUE, "#8fc1e0", "#f7f5f0", "#f3b284", VERMILLION, "#7d3500"]
)
# Amounts from zero upward: cividis is even in lightness and suits color-blind readers (Nuñez, Anderton & Renslow,
# PLOS ONE 2018).
SEQUENTIAL = mpl.colormaps["cividis"]
GRAYS = mpl.colormaps["gray"]

_FONT_STACK = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif"
_LOOK: dict[Any, Any] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": [
        "DejaVu Sans"
    ],  # ships with matplotlib, and is wider than other fonts: text fits with those, too
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
    "text.parse_math": False,  # a class name may contain "$"
    "svg.fonttype": "none",
    "svg.hashsalt": "muslin",
}
_ALONE = (
    f"<style>svg{{color-scheme:light dark;color:{INK}}}"
    f"@media (prefers-color-scheme:dark){{svg{{color:{DARK_INK}}}}}</style>"
)

_Arguments = ParamSpec("_Arguments")


class Figure(MatplotlibFigure):
    """A matplotlib figure that a notebook shows as a PNG, with pyplot or without it."""

    def _repr_png_(self) -> bytes:
        return to_png(self)

    def _repr_mimebundle_(self, **_options: object) -> tuple[dict[str, str], dict[str, object]]:
        width, height = (round(PIXELS_PER_INCH * inches + 2 * MARGIN) for inches in self.get_size_inches())
        picture = base64.b64encode(_smaller(to_png(self))).decode()
        return {"image/png": picture, "text/plain": repr(self)}, {"image/png": {"width": width, "height": height}}


def styled(draw: Callable[_Arguments, MatplotlibFigure]) -> Callable[_Arguments, Figure]:
    """Decorate a function that draws a figure: apply Muslin's style, and restore the user's matplotlib settings.

    The layout is computed once, here: matplotlib would compute it at each saving, with slightly different results.
    """

    @functools.wraps(draw)
    def drawn(*arguments: _Arguments.args, **options: _Arguments.kwargs) -> Figure:
        with looking():
            figure = draw(*arguments, **options)
            if figure.get_layout_engine() is not None:
                figure.draw_without_rendering()
                figure.set_layout_engine("none")
            return cast("Figure", figure)  # made by `new_figure` or `Canvas`

    return drawn


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure of a size in CSS pixels, with constrained layout."""
    return Figure(figsize=(width / PIXELS_PER_INCH, height / PIXELS_PER_INCH), layout="constrained")


def to_svg(figure: MatplotlibFigure, name: str) -> str:
    """Return a figure as an `<svg>` element for inlining in a page.

    The same figure gives the same markup. Text remains text.

    Args:
        figure: a figure drawn by this package.
        name: prefix of the element's ids, which must be unique in a page.
    """
    buffer = io.StringIO()
    with looking():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    svg = re.sub(r"(?s)<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg[svg.index("<svg") :])
    svg = svg.replace(INK, "currentColor").replace("'DejaVu Sans', sans-serif", _FONT_STACK)
    linked = set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in linked else "", svg)
    svg = re.sub(r'(url\(|href=")#', rf"\1#{name}-", svg)
    # The rules of matplotlib's style sheet as attributes of the root, which apply to this figure alone.
    svg = svg.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)
    return re.sub(r"\n\s*\n+", "\n", re.sub(r"<defs>\s*</defs>", "", svg))


def to_png(figure: MatplotlibFigure) -> bytes:
    """Return a figure as a PNG with a white background and two pixels per CSS pixel.

    Args:
        figure: a figure drawn by this package.
    """
    buffer = io.BytesIO()
    with looking():
        figure.savefig(
            buffer,
            format="png",
            dpi=SHARPNESS * PIXELS_PER_INCH,
            facecolor="white",
            bbox_inches=figure.bbox_inches.padded(MARGIN / PIXELS_PER_INCH),
            metadata={"Software": None},
        )
    return buffer.getvalue()


def _smaller(png: bytes) -> bytes:
    """Return a PNG with a palette of 256 colors, unless it has too many colors for that.

    Plots have some hundred colors, most of them from smoothed edges; a palette makes their files a third as large.
    """
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    if picture.getcolors(_MOST_COLORS) is None:
        return png
    buffer = io.BytesIO()
    picture.quantize(256, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def save(figure: MatplotlibFigure, path: Path, formats: tuple[str, ...] = ("svg", "png")) -> tuple[Path, ...]:
    """Write a figure in one or several formats and return the paths of the files.

    The SVG has a transparent background and follows the reader's preference for light or dark mode. The PNG has a white
    background and two pixels per CSS pixel.

    Args:
        figure: a figure drawn by this package.
        path: path without a suffix, for example ``figures/confusion_matrix``.
        formats: formats to write, "svg" and "png" (default both).

    Raises:
        MuslinError: a file cannot be written.
    """
    return tuple(_WRITERS[name](figure, path.with_name(f"{path.name}.{name}")) for name in formats)


def alone(svg: str) -> str:
    """Return an `<svg>` element as a standalone file that follows light and dark mode."""
    end = svg.index(">", svg.index("<svg")) + 1
    return f'<?xml version="1.0" encoding="utf-8"?>\n{svg[:end]}{_ALONE}{svg[end:]}'


def _write_svg(figure: MatplotlibFigure, path: Path) -> Path:
    write_text(path, alone(to_svg(figure, path.stem)))
    return path


def _write_png(figure: MatplotlibFigure, path: Path) -> Path:
    with replacing(path) as temporary:
        temporary.write_bytes(to_png(figure))
    return path


_WRITERS: dict[str, Callable[[MatplotlibFigure, Path], Path]] = {"svg": _write_svg, "png": _write_png}


@contextmanager
def looking() -> Iterator[None]:
    """Apply Muslin's style within this context, and restore the user's settings after it."""
    with mpl.rc_context(), warnings.catch_warnings():
        # A class name may be an emoji: a PNG shows a box for it, an SVG uses the reader's fonts.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(_LOOK)
        yield
