"""From a decoded picture to pixels: transparency, color, depth and size. Training and prediction both go this way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from muslin.pictures.decode import FORMATS, MOST_PIXELS, Encoded, PictureError, decode, read_content, unreadable
from muslin.pictures.scaling import EIGHT_BITS, SIXTEEN_BITS
from muslin.pictures.target import Color, Fitting

if TYPE_CHECKING:
    from jaxtyping import UInt

# What each mode of Pillow becomes, where it is no palette and has no transparent color.
_BECOMES = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "RGB": "RGB",
    "RGBX": "RGB",
    "RGBA": "RGBA",
    "RGBa": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "HSV": "RGB",
}
_DEEP = "F"  # 16-bit gray is held in floats, which Pillow can resize and which hold every value exactly
_MODES: dict[Color, str] = {"gray": "L", "rgb": "RGB"}


@dataclass(frozen=True, eq=False)
class Plain:
    """A picture in one of five modes.

    Attributes:
        image: picture in mode "L", "LA", "RGB", "RGBA", or "F" for gray values of 16 bits. Those with alpha have at
            least one pixel that is not opaque.
        palette: whether the picture came with a palette; one of grays fits among gray pictures and among colored ones.
        clear: 16-bit gray value that is transparent (default None: no value is).
    """

    image: Image.Image
    palette: bool = False
    clear: int | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.image.height, self.image.width

    @property
    def color(self) -> Color:
        """Whether the picture has colors, or only grays by its mode or its palette."""
        return "rgb" if self.image.mode.startswith("RGB") else "gray"

    @property
    def deep(self) -> bool:
        """Whether the picture has 16 bits."""
        return self.image.mode == _DEEP

    @property
    def transparent(self) -> bool:
        """Whether some pixels are transparent."""
        return self.image.mode in ("LA", "RGBA") or self.clear is not None

    def visible(self) -> tuple[float, float]:
        """Return the sum of the gray values of all pixels weighted by their alpha, and the sum of the weights."""
        if self.image.mode not in ("LA", "RGBA"):
            return 0.0, 0.0
        gray = np.asarray(self.image.convert("RGBA").convert("L"), np.float64)
        alpha = np.asarray(self.image.getchannel("A"), np.float64)
        return float((gray * alpha).sum()), float(alpha.sum())


def read_plain(
    source: Encoded, name: str = "", *, formats: tuple[str, ...] = FORMATS, most_pixels: int = MOST_PIXELS
) -> Plain:
    """Read a picture: decoded, rotated as its camera recorded, and brought to one of a few modes.

    Args:
        source: path of a file, or its content.
        name: name of the picture in messages (default: the path of the file).
        formats: accepted formats, by Pillow's names (default: `FORMATS`). Of several frames, the first one counts.
        most_pixels: largest number of pixels (default 2²⁶).

    Raises:
        PictureError: if the picture cannot be read, is too large, or has pixels of another kind.
    """
    content, name = read_content(source, name)
    image = decode(content, name, formats=formats, most_pixels=most_pixels)
    try:
        return _plain(image, name)
    except PictureError:
        raise
    except Exception as error:  # a palette or a transparent color of the wrong kind
        raise unreadable(name, formats, error) from error


def _plain(image: Image.Image, name: str) -> Plain:
    if image.mode.startswith("I"):
        return _deep(image, name)
    if image.mode in ("P", "PA"):
        return Plain(_without_palette(image), palette=True)
    if image.mode not in _BECOMES:
        kind = f"pixels of mode {image.mode!r}"
        raise PictureError(name, kind, f"has {kind}; pictures have 8 or 16 bits per channel. Convert it first.")
    if image.has_transparency_data:
        return Plain(_seen(image.convert("LA" if _BECOMES[image.mode].startswith("L") else "RGBA")))
    becomes = _BECOMES[image.mode]
    return Plain(image if image.mode == becomes else image.convert(becomes))


def _deep(image: Image.Image, name: str) -> Plain:
    values = np.asarray(image, np.int64)
    if values.min() < 0 or values.max() > SIXTEEN_BITS:
        kind = f"gray values outside 0–{SIXTEEN_BITS:,}"
        raise PictureError(name, kind, f"has {kind}; pictures have 8 or 16 bits per channel. Convert it first.")
    clear = image.info.get("transparency")
    clear = clear if isinstance(clear, int) and bool((values == clear).any()) else None
    return Plain(Image.fromarray(values.astype(np.float32)), clear=clear)


def _without_palette(image: Image.Image) -> Image.Image:
    rgba = _seen(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    pixels = np.asarray(rgba)
    shown = pixels[pixels[..., 3] > 0] if rgba.mode == "RGBA" else pixels
    if bool((shown[..., :1] == shown[..., 1:3]).all()):
        return rgba.convert("LA" if rgba.mode == "RGBA" else "L")
    return rgba


def _seen(image: Image.Image) -> Image.Image:
    """Drop an alpha channel that is opaque everywhere."""
    if image.mode in ("LA", "RGBA") and image.getextrema()[-1] == (255, 255):
        return image.convert(image.mode[:-1])
    return image


def padded(size: tuple[int, int], target: tuple[int, int], fit: Fitting) -> bool:
    """Whether a picture of `size` is extended when it is brought to `target`; both are (height, width)."""
    return fit == "fit" and size != target and _contained(size, target) != target


def to_pixels(
    plain: Plain,
    size: tuple[int, int] | None = None,
    color: Color | None = None,
    *,
    fit: Fitting = "fit",
    ground: Sequence[int] = (0,),
    white: float | None = None,
) -> UInt[np.ndarray, "height width channel"]:
    """Bring a picture to pixels. One that has the right size already keeps its pixels exactly.

    Args:
        plain: the picture.
        size: (height, width) in pixels (default None: its own).
        color: "gray" for one channel, "rgb" for three (default None: its own).
        fit: how a picture of other proportions becomes `size` (default "fit"). "fit": scaled to fit and extended with
            the ground. "crop": scaled to fill and cut on both sides. "stretch": each side scaled on its own.
        ground: color behind transparent pixels and beside a fitted picture, one value or three, 0–255 (default black).
        white: value of the picture's pixels that a ground of 255 stands for (default None: the largest of its depth).

    Returns:
        Pixels as bytes, or in 16 bits if the picture has them; one channel or three.
    """
    color = color or plain.color
    factor = (white if white is not None else SIXTEEN_BITS if plain.deep else EIGHT_BITS) / EIGHT_BITS
    colors = [round(value * factor) for value in ground]
    image = _resized(_flat(plain, color, colors), size or plain.size, fit, colors)
    pixels = np.asarray(image)
    if plain.deep:
        pixels = np.floor(np.clip(pixels, 0, SIXTEEN_BITS) + 0.5).astype(np.uint16)
        return np.repeat(pixels[..., np.newaxis], 3 if color == "rgb" else 1, axis=2)
    return pixels.reshape(*pixels.shape[:2], -1)


def flat(plain: Plain, color: Color, ground: int) -> Image.Image:
    """Return the picture with 8 bits per channel and without transparency; of 16 bits, the upper 8 count."""
    if plain.deep:
        values = np.asarray(plain.image).astype(np.uint16)
        high = (values >> 8).astype(np.uint8)
        if plain.clear is not None:
            high[values == plain.clear] = ground
        return Image.fromarray(high).convert(_MODES[color])
    return _flat(plain, color, [ground])


def _flat(plain: Plain, color: Color, ground: Sequence[int]) -> Image.Image:
    image = plain.image
    if plain.deep:
        if plain.clear is None:
            return image
        values = np.asarray(image)
        return Image.fromarray(np.where(values == plain.clear, np.float32(ground[0]), values))
    if plain.transparent:
        red, green, blue = (*ground, *ground, *ground)[:3]
        image = Image.alpha_composite(Image.new("RGBA", image.size, (red, green, blue, 255)), image.convert("RGBA"))
    return image if image.mode == _MODES[color] else image.convert(_MODES[color])


def _resized(image: Image.Image, size: tuple[int, int], fit: Fitting, ground: Sequence[int]) -> Image.Image:
    height, width = size
    if image.size == (width, height):
        return image
    method = Image.Resampling.LANCZOS
    if fit == "stretch":
        return image.resize((width, height), method)
    if fit == "crop":
        return ImageOps.fit(image, (width, height), method)
    high, wide = _contained((image.height, image.width), size)
    image = image.resize((wide, high), method)
    if (high, wide) == size:
        return image
    red, green, blue = (*ground, *ground, *ground)[:3]
    whole = Image.new(image.mode, (width, height), (red, green, blue) if image.mode == "RGB" else red)
    whole.paste(image, (round((width - wide) / 2), round((height - high) / 2)))
    return whole


def _contained(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """The largest (height, width) with the proportions of `size` that fits into `target`; at least one pixel."""
    (height, width), (most_high, most_wide) = size, target
    if width * most_high > most_wide * height:
        return max(round(height / width * most_wide), 1), most_wide
    return most_high, max(round(width / height * most_high), 1)
