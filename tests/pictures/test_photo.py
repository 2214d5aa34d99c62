"""The data set's own recipe for photos, step by step."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from muslin.errors import DataError
from muslin.pictures.photo import STEPS, prepare_photo

SHAPE = (28, 28, 1)


def photo(
    size: tuple[int, int] = (300, 200), box: tuple[int, int, int, int] = (120, 40, 160, 180), **how: object
) -> bytes:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle(box, fill=(40, 60, 90))
    buffer = io.BytesIO()
    image.save(buffer, how.pop("format", "PNG"), **how)  # type: ignore[arg-type]
    return buffer.getvalue()


def test_the_thing_ends_up_as_large_as_fits_in_the_middle_light_on_dark() -> None:
    pixels = prepare_photo(photo(), SHAPE)[-1].pixels[..., 0]
    assert pixels.shape == (28, 28)
    columns = np.flatnonzero(pixels.max(axis=0) > 100)
    assert len(columns) == 8  # 41 by 141 pixels, the longest edge to 28
    assert columns[0] + columns[-1] == 27
    assert pixels[:, columns[0]].min() > 100
    assert pixels[:, : columns[0]].max() == 0


def test_every_step_can_be_looked_at() -> None:
    stages = {stage.step: stage for stage in prepare_photo(photo(), SHAPE)}
    assert list(stages) == ["photo", *STEPS]
    assert stages["photo"].pixels.shape == (200, 300, 3)
    assert stages["trim"].pixels.shape == (141, 41, 3)
    assert stages["resize"].pixels.shape == (28, 8, 3)
    assert stages["centre"].pixels.shape == (28, 28, 3)
    assert np.array_equal(stages["invert"].pixels, 255 - stages["centre"].pixels)
    assert all(stage.done for stage in stages.values() if stage.step != "sharpen")


@pytest.mark.parametrize("left_out", STEPS)
def test_every_step_can_be_left_out_and_the_network_still_gets_its_shape(left_out: str) -> None:
    steps = [step for step in STEPS if step != left_out]
    stages = {stage.step: stage for stage in prepare_photo(photo(), SHAPE, steps)}
    assert list(stages.values())[-1].pixels.shape == SHAPE
    if left_out != "grayscale":
        assert not stages[left_out].done  # type: ignore[index]


def test_a_photo_that_is_light_on_dark_already_is_not_inverted() -> None:
    image = Image.new("L", (28, 28), 0)
    ImageDraw.Draw(image).rectangle((0, 8, 27, 19), fill=200)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    stages = prepare_photo(buffer.getvalue(), SHAPE, [step for step in STEPS if step != "sharpen"])
    assert np.array_equal(stages[-1].pixels[..., 0], np.asarray(image))


def test_sharpening_keeps_flat_areas_and_steepens_edges() -> None:
    flat = prepare_photo(photo((28, 28), (0, 0, 27, 27)), SHAPE, ["sharpen"])[3]
    assert flat.step == "sharpen"
    assert np.unique(flat.pixels[1:-1, 1:-1].reshape(-1, 3), axis=0).tolist() == [[40, 60, 90]]
    edge = prepare_photo(photo((28, 28), (14, 0, 27, 27)), SHAPE, ["sharpen"])[3].pixels[10, :, 0]
    assert edge[14] < 40
    assert edge[15] == 40


def test_transparent_ground_counts_as_white() -> None:
    image = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((20, 10, 40, 50), fill=(10, 10, 10, 255))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    pixels = prepare_photo(buffer.getvalue(), SHAPE)[-1].pixels[..., 0]
    assert pixels[14, 14] > 200
    assert pixels[0, 0] == 0


def test_a_color_network_gets_color_and_a_large_photo_is_thinned_out_first() -> None:
    stages = prepare_photo(photo((3000, 1500), (1000, 100, 2000, 1400)), (32, 48, 3))
    assert stages[0].pixels.shape == (512, 1024, 3)
    assert stages[-1].step == "invert"
    assert stages[-1].pixels.shape == (32, 48, 3)


def test_a_photo_of_nothing_stays_as_it_is() -> None:
    pixels = prepare_photo(photo(box=(0, 0, 299, 199)), SHAPE)[-1].pixels
    assert np.ptp(pixels[:, 10:18]) == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"GIF89a", "PNG or JPEG file"),
        (photo((300, 400)), "more than 100,000 pixels"),
        (photo(format="GIF"), "PNG or JPEG"),
    ],
)
def test_only_what_was_allowed_is_read(content: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        prepare_photo(content, SHAPE, formats=("PNG", "JPEG"), most_pixels=100_000)


def test_a_network_with_other_channels_takes_no_photos() -> None:
    with pytest.raises(DataError, match="2 channels"):
        prepare_photo(photo(), (28, 28, 2))
