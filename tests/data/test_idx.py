import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from helpers import tiny
from helpers.tiny import WriteData
from muslin.data import idx
from muslin.errors import DataError

IMAGES = "train-images-idx3-ubyte.gz"
LABELS = "train-labels-idx1-ubyte"


@pytest.fixture
def folder(write_data: WriteData) -> Path:
    return write_data("idx")


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=3, max_dims=3, max_side=6)), st.booleans())
def test_what_was_written_as_idx_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, zipped: bool
):
    path = tmp_path_factory.mktemp("idx") / "values"
    content = tiny.idx_bytes(values)
    path.write_bytes(gzip.compress(content) if zipped else content)
    np.testing.assert_array_equal(idx.read_values(path, 3), values)


def test_whether_a_file_is_zipped_is_seen_from_its_content_not_its_name(folder: Path):
    path = folder / IMAGES
    before = idx.read(folder).train.images
    path.write_bytes(gzip.decompress(path.read_bytes()))
    np.testing.assert_array_equal(idx.read(folder).train.images, before)


def test_images_can_be_written_to_as_torch_wants(folder: Path):
    assert idx.read(folder).test.images.flags.writeable


def test_the_dotted_names_of_some_copies_are_known(folder: Path):
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("-idx", ".idx"))
    assert len(idx.read(folder).train) == 60


def test_a_missing_file_is_named(folder: Path):
    (folder / LABELS).unlink()
    with pytest.raises(DataError, match="no file for the train labels"):
        idx.read(folder)


@pytest.mark.parametrize("name", [IMAGES, LABELS])
def test_an_empty_file_is_refused(folder: Path, name: str):
    (folder / name).write_bytes(b"")
    with pytest.raises(DataError, match=f"{name} is empty"):
        idx.read(folder)


@pytest.mark.parametrize("kept", [2, 6, 12, 30])
def test_a_truncated_file_is_refused_wherever_it_was_cut(folder: Path, kept: int):
    path = folder / LABELS
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"is not an IDX file|cut off|contains only (4|22) of the 60 bytes"):
        idx.read(folder)


def test_a_gzip_stream_without_an_end_is_refused(folder: Path):
    path = folder / IMAGES
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="cut off: its gzip stream has no end"):
        idx.read(folder)


def test_a_gzip_stream_with_a_flipped_bit_is_refused(folder: Path):
    path = folder / IMAGES
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged|cut off|holds"):
        idx.read(folder)


def test_an_over_long_file_is_refused(folder: Path):
    path = folder / LABELS
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DataError, match="more than the 60 bytes that its header declares"):
        idx.read(folder)


def test_a_wrong_magic_number_is_refused(folder: Path):
    path = folder / LABELS
    path.write_bytes(b"\x12\x34" + path.read_bytes()[2:])
    with pytest.raises(DataError, match="it starts with 12 34 08 01"):
        idx.read(folder)


def test_labels_in_the_place_of_images_are_refused(folder: Path):
    (folder / IMAGES).write_bytes((folder / LABELS).read_bytes())
    with pytest.raises(DataError, match="magic number 00 00 08 01, but a file of images has 00 00 08 03"):
        idx.read(folder)


def test_a_count_mismatch_is_refused(folder: Path):
    (folder / LABELS).write_bytes(tiny.idx_bytes(np.zeros(59)))
    with pytest.raises(DataError, match="contains 60 images, but train-labels-idx1-ubyte contains 59 labels"):
        idx.read(folder)


def test_a_header_that_declares_nothing_is_refused(folder: Path):
    (folder / LABELS).write_bytes(struct.pack(">4BI", 0, 0, 8, 1, 0))
    with pytest.raises(DataError, match="contains no values"):
        idx.read(folder)


def test_an_absurd_declared_size_is_refused_before_it_is_allocated(folder: Path):
    (folder / IMAGES).write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1))
    with pytest.raises(DataError, match="declares 79,228,162"):
        idx.read(folder)


def test_a_gzip_bomb_that_declares_its_size_is_not_unpacked(folder: Path):
    size = 200 * 2**20
    bomb = gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, size // 4096, 64, 64) + bytes(size))
    (folder / IMAGES).write_bytes(bomb)
    with pytest.raises(DataError, match="looks like a decompression bomb"):
        idx.read(folder)


def test_a_gzip_bomb_that_hides_its_size_is_read_one_byte_too_far_and_no_further(folder: Path):
    (folder / IMAGES).write_bytes(gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, 60, 8, 8) + bytes(2**26)))
    with pytest.raises(DataError, match="more than the 3,840 bytes"):
        idx.read(folder)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04 and so on", "is a ZIP archive"),
        (b"\n<!DOCTYPE html><html>log in</html>", "is a web page"),
        (b"\xef\xbb\xbf<HTML></HTML>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
    ],
)
def test_what_is_saved_under_a_data_files_name_by_mistake_is_recognized(folder: Path, content: bytes, what: str):
    (folder / IMAGES).write_bytes(content)
    with pytest.raises(DataError, match=f"{IMAGES} {what}"):
        idx.read(folder)
