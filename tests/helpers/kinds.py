"""Pictures of the pixel kinds that people have, and what they show, by arithmetic instead of by Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

Maker = Callable[[np.ndarray], bytes]


@dataclass(frozen=True)
class Kind:
    """A kind of picture, made from gray values.

    Attributes:
        make: gives the file for gray values (uint8) of shape (height, width).
        shows: gives the pixels that the file shows on a ground; None if the format only comes near.
        suffix: of the file's name.
    """

    make: Maker
    shows: Callable[[np.ndarray, int], np.ndarray] | None
    suffix: str = "png"


def encoded(image: Image.Image, kind: str = "png", **how: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def laid(color: np.ndarray, alpha: np.ndarray, ground: int) -> np.ndarray:
    """Composite by the formula."""
    return np.floor((color * alpha.astype(float) + ground * (255.0 - alpha)) / 255 + 0.5).astype(np.uint8)


def rgb(gray: np.ndarray) -> np.ndarray:
    return np.dstack([gray, 255 - gray, gray // 2])


def rgba(gray: np.ndarray, value: int) -> bytes:
    return encoded(Image.fromarray(np.dstack([np.full_like(gray, value)] * 3 + [gray])))


def sixteen_bit_rgb(gray: np.ndarray) -> bytes:
    """A PNG of 48 bits per pixel, which Pillow cannot write."""
    rows = b"".join(b"\0" + np.repeat(row.astype(">u2") * 257, 3).astype(">u2").tobytes() for row in gray)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", gray.shape[1], gray.shape[0], 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def palette(gray: np.ndarray, colors: list[int], **how: object) -> bytes:
    image = Image.fromarray(gray, "L")
    image = Image.frombytes("P", image.size, image.tobytes())
    image.putpalette(colors)
    return encoded(image, **how)


def turned(gray: np.ndarray) -> bytes:
    """Stored turned, with the note of the camera how to turn it back."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(Image.fromarray(np.ascontiguousarray(np.rot90(gray))), "png", exif=exif)


GRAYS = [value for gray in range(256) for value in (gray, gray, gray)]
COLORS = [value for gray in range(256) for value in (gray, 255 - gray, gray // 2)]
KINDS: dict[str, Kind] = {
    "gray": Kind(lambda gray: encoded(Image.fromarray(gray)), lambda gray, _: gray),
    "color": Kind(lambda gray: encoded(Image.fromarray(rgb(gray))), lambda gray, _: rgb(gray)),
    "black on transparent": Kind(
        lambda gray: rgba(gray, 0), lambda gray, on: np.dstack([laid(0 * gray, gray, on)] * 3)
    ),
    "white on transparent": Kind(
        lambda gray: rgba(gray, 255), lambda gray, on: np.dstack([laid(0 * gray + 255, gray, on)] * 3)
    ),
    "gray and alpha": Kind(
        lambda gray: encoded(Image.fromarray(np.dstack([gray // 4, gray]))), lambda gray, on: laid(gray // 4, gray, on)
    ),
    "opaque alpha": Kind(
        lambda gray: encoded(Image.fromarray(np.dstack([rgb(gray), np.full_like(gray, 255)]))),
        lambda gray, _: rgb(gray),
    ),
    "palette of grays": Kind(lambda gray: palette(gray, GRAYS), lambda gray, _: gray),
    "palette of colors": Kind(lambda gray: palette(gray, COLORS), lambda gray, _: rgb(gray)),
    "palette with a transparent entry": Kind(
        lambda gray: palette((gray > 100).astype(np.uint8), [0] * 768, transparency=0),
        lambda gray, on: np.where(gray > 100, 0, on).astype(np.uint8),
    ),
    "transparent gray value": Kind(
        lambda gray: encoded(Image.fromarray(gray // 64 * 64), transparency=64),
        lambda gray, on: np.where(gray // 64 == 1, on, gray // 64 * 64).astype(np.uint8),
    ),
    "transparent color": Kind(
        lambda gray: encoded(Image.fromarray(np.dstack([gray // 64 * 64] * 3)), transparency=(64, 64, 64)),
        lambda gray, on: np.dstack([np.where(gray // 64 == 1, on, gray // 64 * 64).astype(np.uint8)] * 3),
    ),
    "one bit": Kind(
        lambda gray: encoded(Image.fromarray(gray > 127)), lambda gray, _: np.where(gray > 127, 255, 0).astype(np.uint8)
    ),
    "16-bit gray": Kind(
        lambda gray: encoded(Image.fromarray(gray.astype(np.uint16) * 257 + 5)),
        lambda gray, _: gray.astype(np.uint16) * 257 + 5,
    ),
    "16-bit color": Kind(sixteen_bit_rgb, lambda gray, _: np.dstack([gray] * 3)),
    "turned by the camera": Kind(turned, lambda gray, _: gray),
    "CMYK": Kind(lambda gray: encoded(Image.fromarray(rgb(gray)).convert("CMYK"), "jpeg"), None, "jpg"),
    "JPEG": Kind(lambda gray: encoded(Image.fromarray(rgb(gray)), "jpeg"), None, "jpg"),
    "WebP": Kind(
        lambda gray: encoded(Image.fromarray(rgb(gray)), "webp", lossless=True), lambda gray, _: rgb(gray), "webp"
    ),
    "GIF": Kind(lambda gray: encoded(Image.fromarray(gray), "gif"), lambda gray, _: gray, "gif"),
    "BMP": Kind(lambda gray: encoded(Image.fromarray(gray), "bmp"), lambda gray, _: gray, "bmp"),
    "TIFF": Kind(lambda gray: encoded(Image.fromarray(gray), "tiff"), lambda gray, _: gray, "tif"),
    "16-bit TIFF": Kind(
        lambda gray: encoded(Image.fromarray(gray.astype(np.uint16) * 200), "tiff"),
        lambda gray, _: gray.astype(np.uint16) * 200,
        "tiff",
    ),
    "two frames": Kind(
        lambda gray: encoded(Image.fromarray(gray), "gif", save_all=True, append_images=[Image.fromarray(255 - gray)]),
        lambda gray, _: gray,
        "gif",
    ),
}
