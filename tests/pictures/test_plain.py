"""The way from a file to pixels, against arithmetic; and the same pixels in training and in prediction."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from helpers.kinds import KINDS, encoded
from muslin.data import load_data
from muslin.data.readers import formats
from muslin.data.reading import Reading
from muslin.errors import DataError
from muslin.pictures.picture import read_picture
from muslin.pictures.plain import Plain, padded, read_plain, to_pixels
from muslin.pictures.scaling import Scaling
from muslin.pictures.target import Target
from muslin.runs.record import DataRecord
from muslin.workflow.pictures import prepared


def noise(seed: int, height: int = 12, width: int = 9) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    values[0, :4] = (0, 64, 200, 255)
    return values


@pytest.mark.parametrize("ground", [0, 77, 255])
@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.shows])
def test_every_kind_of_picture_shows_what_it_says(name: str, ground: int) -> None:
    kind, gray = KINDS[name], noise(0)
    found = to_pixels(read_plain(kind.make(gray)), ground=(ground,))
    shown = kind.shows(gray, ground)  # type: ignore[misc]
    assert found.dtype == shown.dtype
    assert found.shape == (*shown.shape[:2], 1 if shown.ndim == 2 else 3)
    # Pillow composites in whole numbers, so that a value may be one off.
    difference = np.abs(found.squeeze().astype(int) - shown)
    assert difference.max() <= ("transparent" in name or "alpha" in name)


@pytest.mark.parametrize(
    "how", [{}, {"size": "10x10"}, {"size": "8x14", "fit": "crop"}, {"size": "9x9", "fit": "stretch"}]
)
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_prediction_sees_the_pixels_of_the_evaluation(
    name: str, how: dict[str, str], dark: bool, tmp_path: Path
) -> None:
    kind = KINDS[name]
    paths = {}
    for split, n in (("train", 6), ("test", 3)):
        for label in range(2):
            for number in range(n):
                path = tmp_path / split / f"class {label}" / f"{number}.{kind.suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                sides = (12 + number, 9) if "size" in how else (12, 9)
                path.write_bytes(kind.make(noise(len(paths), *sides) // (5 if dark else 1)))
                paths[path] = split
    data = load_data(tmp_path, validation_fraction=0.4, allow_leak=True, **how)  # type: ignore[arg-type]
    record = DataRecord.of(data)
    tested = [path for path, split in paths.items() if split == "test"]
    for path, pixels in zip(tested, data.test.images, strict=True):
        np.testing.assert_array_equal(prepared(path, record, photo=False).pixels, pixels)


def fill(folder: Path, value: int, *, test: bool = True) -> Path:
    """Write shapes of a gray value on transparent ground."""
    for split in ("train", "test") if test else ("train",):
        for label in range(2):
            for number in range(3):
                path = folder / split / str(label) / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                alpha = noise(number + 10 * label + 100 * (split == "test"))
                path.write_bytes(encoded(Image.fromarray(np.dstack([np.full_like(alpha, value), alpha]))))
    return folder


@pytest.mark.parametrize(("value", "ground", "says"), [(20, 255, "white"), (230, 0, "black")])
def test_the_ground_makes_what_is_visible_stand_out(value: int, ground: int, says: str, tmp_path: Path) -> None:
    contents = formats.read(fill(tmp_path, value))
    assert contents.ground == ground
    assert any(f"transparent pixels lie on {says}" in note and "`ground=`" in note for note in contents.notes)
    assert abs(float(np.median(contents.train.images[:, 0, 0])) - ground) < 1


def test_the_ground_that_a_person_names_is_used(tmp_path: Path) -> None:
    contents = formats.read(fill(tmp_path, 20), Reading(ground="black"))  # type: ignore[arg-type]
    assert contents.ground == 0
    assert contents.train.images.max() == 20
    assert not contents.notes


def test_opaque_pictures_need_no_ground(tmp_path: Path) -> None:
    for label in range(2):
        (tmp_path / "train" / str(label)).mkdir(parents=True)
        pixels = np.dstack([noise(label)] * 3 + [np.full((12, 9), 255, np.uint8)])
        (tmp_path / "train" / str(label) / "0.png").write_bytes(encoded(Image.fromarray(pixels)))
    contents = formats.read(tmp_path)
    assert contents.ground is None
    assert not contents.notes


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 60)] * 4), st.integers(0, 255), st.sampled_from(["fit", "crop", "stretch"]))
def test_sizes_are_brought_to_one_as_pillow_does(sides: tuple[int, int, int, int], ground: int, fit: str) -> None:
    height, width, high, wide = sides
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width), np.uint8))
    found = to_pixels(Plain(image), (high, wide), fit=fit, ground=(ground,))  # type: ignore[arg-type]
    assert found.shape == (high, wide, 1)
    if (height, width) == (high, wide):
        np.testing.assert_array_equal(found[..., 0], np.asarray(image))
    elif fit == "stretch":
        np.testing.assert_array_equal(found[..., 0], image.resize((wide, high), Image.Resampling.LANCZOS))
    elif fit == "crop":
        np.testing.assert_array_equal(found[..., 0], ImageOps.fit(image, (wide, high), Image.Resampling.LANCZOS))
    elif min(high / height, wide / width) * min(height, width) >= 1:  # Pillow refuses a side below one pixel
        expected = ImageOps.pad(image, (wide, high), Image.Resampling.LANCZOS, color=ground)
        np.testing.assert_array_equal(found[..., 0], expected)
        assert padded((height, width), (high, wide), "fit") == (
            ImageOps.contain(image, (wide, high)).size != (wide, high)
        )


def test_a_16_bit_picture_is_resized_in_16_bits() -> None:
    deep = np.repeat(np.arange(0, 60_000, 1500, dtype=np.uint16)[np.newaxis], 10, axis=0)
    found = to_pixels(read_plain(encoded(Image.fromarray(deep))), (10, 20), fit="stretch")
    assert found.dtype == np.uint16
    assert np.abs(np.diff(found[5, 2:-2, 0].astype(int)) - 3000).max() < 60


def test_a_picture_of_the_training_range_is_scaled_by_it() -> None:
    values = np.arange(64, dtype=np.uint16).reshape(8, 8) * 65  # 12 bits
    target = Target((8, 8, 1), scaling=Scaling(high=4095), border=(255,))
    pixels = read_picture(encoded(Image.fromarray(values)), target).pixels
    np.testing.assert_array_equal(pixels[..., 0], np.floor(values / 4095 * 255 + 0.5))
    wide = read_picture(encoded(Image.fromarray(values[:4])), target).pixels
    assert set(wide[[0, -1]].ravel()) == {255}


def test_the_border_takes_the_place_of_a_ground() -> None:
    wide = encoded(Image.fromarray(np.full((4, 8, 3), 90, np.uint8)))
    pixels = read_picture(wide, Target((8, 8, 3), border=(10, 20, 30))).pixels
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert pixels[4, 4].tolist() == [90, 90, 90]
    assert read_picture(wide, Target((8, 8, 3), border=(10, 20, 30), ground=7)).pixels[0, 0].tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("edge", "border", "says"),
    [(250, 5, "light background.*dark one"), (5, 250, "dark background.*light one"), (120, 5, ""), (250, None, "")],
)
def test_a_background_unlike_that_of_training_is_noted(edge: int, border: int | None, says: str) -> None:
    pixels = np.full((28, 28), edge, np.uint8)
    pixels[8:20, 8:20] = 255 - edge
    target = Target((28, 28, 1), border=None if border is None else (border,))
    note = read_picture(encoded(Image.fromarray(pixels)), target).note
    assert bool(note) == bool(says)
    if says:
        assert re.search(rf"{says}.*`invert=True`", note)
    assert not read_picture(encoded(Image.fromarray(pixels)), target, invert=True).note


def test_a_tiff_with_floats_is_refused_in_words() -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((3, 3), np.float32)).save(buffer, "tiff")
    with pytest.raises(DataError, match=r"depth.tiff has pixels of mode 'F'; pictures have 8 or 16 bits"):
        read_plain(buffer.getvalue(), "depth.tiff")
