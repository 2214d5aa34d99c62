"""Draw a design: each layer's output, parameters and receptive field. Plain SVG, without a plotting library."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import log2

from muslin.analysis import LayerAnalysis, analyze, describe_field
from muslin.design import AvgPool2d, Conv2d, Dense, Design, Dropout, Layer, MaxPool2d, Shape, describe_shape
from muslin.figures.svg import Svg

# The colors of `muslin.figures.style`, which needs matplotlib.
BLUE, GREEN, VERMILLION, GRAY = "#0072b2", "#009e73", "#d55e00", "#7f7b73"
_COLORS = {"conv2d": BLUE, "dense": VERMILLION, "flatten": GRAY, "dropout": GRAY, "input": GRAY}  # pooling is green
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif"

WIDTH = 860  # CSS pixels, as all lengths here
MOST_COLUMNS = 9  # layers in a row; more continue in the next row
_MARGIN = 12.0  # left and right of the drawing
_GUTTER, _COLUMN = 92.0, 118.0  # room for the row names, and the largest width of a layer
_DEEPEST, _SMALLEST = 26.0, 5.0  # depth of the block with the most channels, side of a 1×1 map
_OBLIQUE = 0.6  # foreshortening of the depth in the oblique projection
_LINE, _LETTER = 16, 0.6  # line spacing; mean width of a letter relative to the font size
_HEADS = ("", "", "output", "parameters", "receptive field")


@dataclass(frozen=True)
class _Block:
    """A column of the drawing: the input or a layer.

    Attributes:
        kind: kind of the layer, or "input".
        shape: output shape.
        words: lines of text below the block.
        because: reason for the layer.
    """

    kind: str
    shape: Shape
    words: tuple[str, str, str, str, str]
    because: str


def architecture_svg(design: Design) -> Svg:
    """Draw a design as an `<svg>` element with one block per layer.

    A block's face is to the scale of the feature map; its depth grows with the number of channels. The text below a
    block gives the layer's settings, output shape, parameters and receptive field; its tooltip gives the reason. Text
    and lines use the page's text color, so the drawing suits light and dark pages.

    >>> from muslin.design import load_design
    >>> architecture_svg(load_design("custom_cnn")).count("<title>")
    9
    """
    rows = analyze(design).layers
    takes = _Block("input", design.input_shape, ("input", "image", describe_shape(design.input_shape), "", ""), "")
    blocks = [takes, *(_block(layer, row) for layer, row in zip(design.layers, rows, strict=True))]
    bands = [blocks[start : start + MOST_COLUMNS] for start in range(0, len(blocks), MOST_COLUMNS)]
    longest = max(len(band) for band in bands)
    across = min((WIDTH - 2 * _MARGIN - _GUTTER) / longest, _COLUMN)
    scale = _Scale.of(blocks, across)
    width = 2 * _MARGIN + _GUTTER + across * longest
    down = scale.room + len(_HEADS) * _LINE + 22
    drawn = "\n".join(
        f'<g transform="translate(0 {number * down:.0f})">\n{_band(band, across, scale)}\n</g>'
        for number, band in enumerate(bands)
    )
    drawn += "".join(
        f"\n{_turn(before[-1], after[0], number * down, down, across, width, scale)}"
        for number, (before, after) in enumerate(pairwise(bands))
    )
    height = down * len(bands)
    return Svg(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{FONT}" font-size="11" fill="currentColor" role="img">\n'
        f"{drawn}\n</svg>\n"
    )


def _block(layer: Layer, row: LayerAnalysis) -> _Block:
    parameters = f"{row.parameters:,}" if row.parameters else "–"
    sees = describe_field(row.receptive_field)
    return _Block(
        row.kind,
        row.output_shape,
        (layer.name, _what(layer), describe_shape(row.output_shape), parameters, sees),
        row.because,
    )


def _what(layer: Layer) -> str:
    match layer:
        case Conv2d():
            return _activated(f"conv {describe_shape(layer.kernel)}", layer.activation)
        case MaxPool2d():
            return f"max {describe_shape(layer.kernel)}"
        case AvgPool2d():
            return f"average {describe_shape(layer.kernel)}"
        case Dropout():
            return f"dropout {layer.rate:g}"
        case Dense():
            return _activated("dense", layer.activation)
    return {"global_avg_pool2d": "global average", "global_max_pool2d": "global max"}.get(layer.kind, layer.kind)


def _activated(words: str, activation: str) -> str:
    return words if activation == "none" else f"{words}, {activation}"


@dataclass(frozen=True)
class _Scale:
    """The scale of the drawing.

    Attributes:
        side: length in CSS pixels of the longest side of a feature map.
        longest: that side in pixels of the feature map.
        widest: largest number of channels or features of any layer.
    """

    side: float
    longest: int
    widest: int

    @classmethod
    def of(cls, blocks: list[_Block], across: float) -> _Scale:
        longest = max(max(block.shape[:2]) for block in blocks if len(block.shape) == 3)
        return cls(across - _OBLIQUE * _DEEPEST - 12, longest, max(block.shape[-1] for block in blocks))

    @property
    def room(self) -> float:
        """Height available to a block."""
        return self.side + _OBLIQUE * _DEEPEST + 8

    @property
    def middle(self) -> float:
        """Height of the blocks' middle, from the row's top."""
        return self.room / 2 + 2

    def reach(self, shape: Shape) -> float:
        """Distance from a block's middle to the lines beside it."""
        return (self.face(shape)[1] + _OBLIQUE * self.depth(shape)) / 2 + 3

    def face(self, shape: Shape) -> tuple[float, float]:
        """Height and width of a block's face: to scale for a feature map, logarithmic for a vector of features."""
        if len(shape) == 1:
            return self.side * (0.15 + 0.85 * self._logarithm(shape[0])), _SMALLEST
        height, width = (_SMALLEST + (self.side - _SMALLEST) * side / self.longest for side in shape[:2])
        return height, width

    def depth(self, shape: Shape) -> float:
        """Depth of a block: logarithmic in the number of channels."""
        return 2.0 if len(shape) == 1 else 2 + (_DEEPEST - 2) * self._logarithm(shape[2])

    def _logarithm(self, count: int) -> float:
        return log2(count + 1) / log2(self.widest + 1)


def _band(blocks: list[_Block], across: float, scale: _Scale) -> str:
    middle = scale.middle
    parts = []
    first = scale.room + 20
    parts += [
        f'<text x="{_MARGIN:.0f}" y="{first + _LINE * line:.0f}" fill-opacity=".65">{head}</text>'
        for line, head in enumerate(_HEADS)
        if head
    ]
    reached = None
    for column, block in enumerate(blocks):
        x = _center(column, across)
        reach = scale.reach(block.shape)
        if reached is not None:
            parts.append(f'<path d="M{reached:.1f} {middle:.1f}H{x - reach:.1f}" stroke="currentColor" opacity=".45"/>')
        reached = x + reach
        texts = "".join(_text(words, x, first + _LINE * line, across, line) for line, words in enumerate(block.words))
        parts.append(f"<g>{_title(block)}{_solid(block, x, middle, scale)}{texts}</g>")
    return "\n".join(parts)


def _center(column: int, across: float) -> float:
    return _MARGIN + _GUTTER + across * (column + 0.5)


def _turn(before: _Block, after: _Block, top: float, down: float, across: float, width: float, scale: _Scale) -> str:
    """Return the line from a row's last block, around the text below it, to the first block of the next row."""
    start = _center(MOST_COLUMNS - 1, across) + scale.reach(before.shape)
    end = _center(0, across) - scale.reach(after.shape)
    gap = down - 8  # from a row's top: below its text
    return (
        f'<path d="M{start:.1f} {top + scale.middle:.1f}H{width - _MARGIN / 2:.1f}v{gap - scale.middle:.1f}'
        f'H{_MARGIN + _GUTTER - 4:.1f}v{down - gap + scale.middle:.1f}H{end:.1f}" '
        'fill="none" stroke="currentColor" opacity=".45"/>'
    )


def _solid(block: _Block, x: float, y: float, scale: _Scale) -> str:
    """Return a block in oblique projection, centered at (x, y)."""
    height, width = scale.face(block.shape)
    depth = scale.depth(block.shape)
    back = depth * _OBLIQUE
    left, top = x - (width + back) / 2, y - (height - back) / 2
    color = _COLORS.get(block.kind, GREEN)
    shapes = (
        (f"M{left:.1f} {top:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z", 0.92),
        (f"M{left:.1f} {top:.1f}l{back:.1f} {-back:.1f}h{width:.1f}l{-back:.1f} {back:.1f}z", 0.45),
        (f"M{left + width:.1f} {top:.1f}l{back:.1f} {-back:.1f}v{height:.1f}l{-back:.1f} {back:.1f}z", 0.65),
    )
    return "".join(f'<path d="{path}" fill="{color}" fill-opacity="{opacity}"/>' for path, opacity in shapes)


def _text(words: str, x: float, y: float, across: float, line: int) -> str:
    # A long text first shrinks; if it is still too long, it is cut.
    size = max(min(11.0, (across - 2) / (_LETTER * max(len(words), 1))), 9.0)
    letters = int(across / (_LETTER * size))
    shown = words if len(words) <= letters else words[: letters - 1] + "…"
    look = ' font-weight="600"' if line == 0 else ' fill-opacity=".65"' if line == 1 else ""
    look += f' font-size="{size:.1f}"' if size < 11 else ""
    return f'<text x="{x:.1f}" y="{y:.0f}" text-anchor="middle"{look}>{escape(shown)}</text>' if words else ""


def _title(block: _Block) -> str:
    because = "".join(letter for letter in block.because if letter.isprintable() or letter == "\n")
    return f"<title>{escape(f'{block.words[0]}: {because}' if because else block.words[0])}</title>"
