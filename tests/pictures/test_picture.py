"""Pictures from outside, brought to what a network takes."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from muslin.errors import DataError
from muslin.pictures.picture import read_picture
from muslin.pictures.target import Target

GRAY, COLOUR = Target((28, 28, 1)), Target((28, 28, 3))


def encoded(pixels: np.ndarray | Image.Image, format: str = "png", **options: object) -> bytes:  # noqa: A002
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, format, **options)
    return buffer.getvalue()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(0, 2**32 - 1))
def test_a_picture_of_the_right_size_keeps_its_pixels(height: int, width: int, channels: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    picture = read_picture(encoded(pixels.squeeze(-1) if channels == 1 else pixels), Target((height, width, channels)))
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert not picture.resized
    assert picture.size == (width, height)


def test_inverting_exchanges_black_and_white() -> None:
    pixels = np.arange(784, dtype=np.uint8).reshape(28, 28)
    np.testing.assert_array_equal(read_picture(encoded(pixels), GRAY, invert=True).pixels[..., 0], 255 - pixels)


def test_a_wide_picture_is_centred_on_black_with_its_proportions_kept() -> None:
    picture = read_picture(encoded(np.full((50, 100), 200, np.uint8)), GRAY)
    assert picture.resized
    assert picture.size == (100, 50)
    filled = picture.pixels[..., 0] > 100
    assert filled.any(axis=1).nonzero()[0].tolist() == list(range(7, 21))
    assert filled.any(axis=0).all()
    assert not picture.pixels[:7].any()


def test_what_inverting_leaves_outside_is_black_too() -> None:
    dark_on_white = np.full((20, 100), 255, np.uint8)
    dark_on_white[8:12] = 0
    picture = read_picture(encoded(dark_on_white), GRAY, invert=True)
    assert picture.pixels[[0, -1]].max() == 0
    assert picture.pixels[14].min() > 150


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("shape", [GRAY, COLOUR])
def test_what_is_transparent_becomes_the_background(shape: Target, invert: bool) -> None:
    pixels = np.zeros((28, 28, 4), np.uint8)
    pixels[..., :3] = 90
    pixels[10:18, :, 3] = 255
    picture = read_picture(encoded(pixels), shape, invert=invert)
    assert not picture.pixels[:10].any()
    np.testing.assert_array_equal(picture.pixels[10:18], 165 if invert else 90)


def test_a_camera_s_turn_is_followed() -> None:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[0] = 255  # a line along the top of the stored picture, which is to be turned clockwise to be upright
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read_picture(encoded(pixels, exif=exif), GRAY)
    np.testing.assert_array_equal(picture.pixels[..., 0], np.rot90(pixels, -1))


def test_sixteen_bits_become_eight() -> None:
    pixels = np.arange(784, dtype=np.uint16).reshape(28, 28) * 80
    np.testing.assert_array_equal(
        read_picture(encoded(pixels), GRAY).pixels[..., 0], np.floor(pixels / 257 + 0.5).astype(np.uint8)
    )


@pytest.mark.parametrize("format", ["png", "jpeg", "bmp", "webp", "gif", "tiff"])
def test_every_format_is_read(format: str, tmp_path: Path) -> None:  # noqa: A002
    path = tmp_path / f"picture.{format}"
    path.write_bytes(encoded(np.full((28, 28), 128, np.uint8), format))
    picture = read_picture(path, GRAY)
    assert picture.name == str(path)
    assert abs(picture.pixels.astype(int) - 128).max() <= 2


def test_a_color_picture_becomes_gray_by_its_brightness() -> None:
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[..., 1] = 200
    assert read_picture(encoded(pixels), GRAY).pixels[0, 0, 0] == pytest.approx(0.587 * 200, abs=1)


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


WHOLE = encoded(np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8))
BAD = {
    "empty": (b"", "is empty"),
    "text": (b"a shoe", "is not a picture in a supported format"),
    "web page": (b"<!DOCTYPE html>", "is not a picture in a supported format"),
    "cut off": (WHOLE[:400], "damaged"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "is not a picture in a supported format"),
    "too large": (png_claiming(9000, 8000), "has more than 67,108,864 pixels"),
    "larger": (png_claiming(10_000, 10_000), "has more than 67,108,864 pixels"),
    "bomb": (png_claiming(60_000, 60_000), "has more than 67,108,864 pixels"),
}


@pytest.mark.parametrize(("content", "says"), BAD.values(), ids=BAD)
def test_what_is_no_picture_is_refused_in_words(content: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says) as refused:
        read_picture(content, GRAY, name="shoe.png")
    assert str(refused.value).startswith("shoe.png ")


def test_a_file_that_is_too_long_or_missing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"nowhere\.png cannot be read: No such file"):
        read_picture(tmp_path / "nowhere.png", GRAY)
    path = tmp_path / "long.png"
    path.write_bytes(WHOLE)
    monkeypatch.setattr("muslin.pictures.decode.MOST_BYTES", 100)
    with pytest.raises(DataError, match="larger than 100 bytes"):
        read_picture(path, GRAY)


def test_a_network_with_other_channels_takes_no_pictures() -> None:
    with pytest.raises(DataError, match=r"2 channels, .* 1 or 3"):
        read_picture(WHOLE, Target((28, 28, 2)))


def test_a_tiff_that_declares_more_pixels_than_it_has_is_refused_at_once() -> None:
    content = io.BytesIO()
    Image.new("L", (7, 9)).save(content, "TIFF")
    damaged = content.getvalue().replace(struct.pack("<HHII", 257, 4, 1, 9), struct.pack("<HHII", 257, 4, 1, 7_000_000))
    assert damaged != content.getvalue()
    with pytest.raises(DataError, match="declares more pixels than the file has"):
        read_picture(damaged, Target((28, 28, 1)))
