import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.tiny import WriteData
from muslin.data import load_data
from muslin.data.places.sources import SAMPLE
from muslin.errors import DataError, LeakError


@pytest.mark.parametrize("other", ["csv", "parquet", "folder", "idx"])
def test_the_same_images_are_the_same_data_in_every_format(write_data: WriteData, other: str):
    expected, actual = load_data(write_data("npz")), load_data(write_data(other))
    if other == "folder":  # sorted by class there: the same images, in another order
        for name, split in actual.splits.items():
            assert np.bincount(split.labels).tolist() == np.bincount(expected.splits[name].labels).tolist()
        assert set(map(bytes, actual.test.images)) == set(map(bytes, expected.test.images))
    else:
        assert actual.fingerprint == expected.fingerprint


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("npz", (5, 9, 3)), ("parquet", (9, 5, 3)), ("folder", (6, 6, 3)), ("npz", (32, 32, 1)), ("idx", (10, 7, 1))],
)
def test_any_image_size_and_color_is_read(write_data: WriteData, kind: str, shape: tuple[int, int, int]):
    height, width, channels = shape
    dataset = load_data(write_data(kind, height=height, width=width, channels=channels, classes=4))
    assert dataset.input_shape == shape
    assert dataset.classes == 4
    assert dataset.audit.train_release == "unknown"
    assert [len(split) for split in dataset.splits.values()] == [72, 8, 20]
    assert all(split.images.dtype == np.uint8 and split.labels.dtype == np.int64 for split in dataset.splits.values())


def test_pixels_and_labels_can_be_written_to_as_torch_wants(write_data: WriteData):
    for kind in ("idx", "csv", "parquet", "npz", "folder"):
        for split in load_data(write_data(kind)).splits.values():
            assert split.images.flags.writeable, kind
            assert split.labels.flags.writeable, kind


def test_the_sample_and_a_path_exclude_each_other(tmp_path: Path):
    with pytest.raises(DataError, match="Both the sample and"):
        load_data(tmp_path, sample=True)


def test_a_leaking_data_set_is_refused_unless_allowed(tmp_path: Path):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (40, 4, 4), dtype=np.uint8), np.arange(40) % 2
    np.savez(tmp_path / "leak.npz", x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
    with pytest.raises(LeakError, match="10 of the 10 test images"):
        load_data(tmp_path / "leak.npz")
    assert load_data(tmp_path / "leak.npz", allow_leak=True).audit.leak_allowed


def test_the_sample_is_small_enough_to_ship():
    assert SAMPLE.stat().st_size < 1.5e6
    assert "Zalando" in (SAMPLE.parent / "LICENSE").read_text(encoding="utf-8")


def test_importing_the_data_package_stays_cheap():
    code = "import sys, muslin.data; print([name for name in sys.argv[1:] if name in sys.modules])"
    heavy = ["torch", "sklearn", "scipy", "polars", "httpx", "PIL", "matplotlib", "keras"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
