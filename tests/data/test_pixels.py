import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muslin.data import Scaling
from muslin.data.pixels import find_scaling
from muslin.errors import DataError

BYTES = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 1))
BYTES[0, 0, 0], BYTES[0, 0, 1] = 0, 255

# Kind of pixels → the same images in it, and their range. Every kind must give back the same bytes.
KINDS = {
    "bytes": (BYTES.astype(np.uint8), (0, 255)),
    "whole numbers": (BYTES.astype(np.int64), (0, 255)),
    "floats 0–255": (BYTES.astype(np.float32), (0, 255)),
    "floats 0–1": (BYTES / 255, (0, 1)),
    "floats -1–1": (BYTES / 127.5 - 1, (-1, 1)),
    "half precision 0–1": ((BYTES / 255).astype(np.float16), (0, 1)),
    "16 bits": ((BYTES * 257).astype(np.uint16), (0, 65535)),
    "16 bits as signed": ((BYTES * 257).astype(np.int32), (0, 65535)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_images_in_any_range_give_the_same_bytes(kind: str) -> None:
    images, (low, high) = KINDS[kind]
    scaling = find_scaling(images, "train")
    assert (scaling.low, scaling.high) == (low, high)
    assert scaling.bytes(images).dtype == np.uint8
    np.testing.assert_array_equal(scaling.bytes(images), BYTES)


@pytest.mark.parametrize(
    ("images", "high"),
    [
        (BYTES > 100, 1),
        ((BYTES > 100).astype(np.uint8), 1),
        (BYTES // 16, 15),
        ((BYTES // 16 + (BYTES == 255)).astype(np.uint8), 16),
        ((BYTES // 16 + (BYTES == 255)).astype(np.float64), 16),
        (BYTES * 4 // 255 * 255, 1023),
        ((BYTES * 16).astype(np.uint16), 4095),
        (np.zeros((2, 2, 2, 1), np.uint8), 1),
    ],
)
def test_ranges_of_fewer_and_of_more_bits_are_found(images: np.ndarray, high: int) -> None:
    assert find_scaling(images, "train") == Scaling(high=high)


def test_ordinary_bytes_keep_their_values_even_if_they_are_rather_dark() -> None:
    dark = (BYTES // 12).astype(np.uint8)
    assert not find_scaling(dark, "train").changes
    np.testing.assert_array_equal(find_scaling(dark, "train").bytes(dark), dark)


def test_digits_as_0_to_16_are_their_scaled_copy_to_the_last_bit() -> None:
    from sklearn.datasets import load_digits  # noqa: PLC0415

    raw = load_digits().images[..., None]
    scaled = np.round(raw * 255 / 16).astype(np.uint8)
    difference = find_scaling(raw, "train").bytes(raw).astype(int) - scaled
    assert np.abs(difference).max() <= 1  # 8 · 255 / 16 is 127.5: NumPy rounds it to even, Muslin up
    assert set(raw[difference != 0]) <= {8.0}


def test_a_little_overshoot_of_resized_floats_is_cut_off() -> None:
    images = BYTES / 255
    images[1, 1, 1], images[1, 1, 2] = -0.03, 1.04
    scaling = find_scaling(images, "train")
    assert scaling == Scaling(high=1)
    assert scaling.bytes(images)[1, 1, 1:3, 0].tolist() == [0, 255]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.array([[-2.1, 2.8]]), r"pixels from -2\.1 to 2\.8.*standardized.*pixel_range="),
        (np.array([[-1, 255]]), r"pixels from -1 to 255"),
        (np.array([[0.0, np.nan]]), "not finite"),
        (np.array([[0.0, np.inf]]), "not finite"),
        (np.array([[0, 100_000]]), r"0 to 100,000, more than 16 bits.*pixel_range="),
    ],
)
def test_what_fits_no_range_is_refused_with_a_way_out(images: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_scaling(images.reshape(1, 1, 2, 1), "train")


def test_a_range_that_is_given_is_used() -> None:
    images = np.array([[-2.1, 0.35, 2.8]]).reshape(1, 1, 3, 1)
    assert find_scaling(images, "train", (-2.1, 2.8)).bytes(images).ravel().tolist() == [0, 128, 255]


@given(st.integers(1, 4000), st.integers(0, 4000))
@settings(max_examples=100)
def test_bytes_are_the_nearest_ones(high: int, value: int) -> None:
    byte = int(Scaling(high=high).bytes(np.array([value]))[0])
    assert abs(byte - min(value / high, 1) * 255) <= 0.5


def test_pictures_follow_the_files_range_only_if_they_lie_in_it() -> None:
    scaling = Scaling(high=16)
    assert scaling.of_picture(np.array([0, 8, 16], np.uint8)).tolist() == [0, 128, 255]
    assert scaling.of_picture(np.array([0, 8, 200], np.uint8)).tolist() == [0, 8, 200]
    assert Scaling().of_picture(np.array([0, 257, 65535], np.uint16)).tolist() == [0, 1, 255]
    assert Scaling(high=4095).of_picture(np.array([0, 4095], np.uint16)).tolist() == [0, 255]
