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
from muslin.data.files import to_bytes
from muslin.data.readers import idx
from muslin.data.reading import Reading
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


# ── Names, types and sets that people have ────────────────────────────────────────────────────────────────────────────


def raw(values: np.ndarray, kind: int, dtype: str) -> bytes:
    return struct.pack(f">4B{values.ndim}I", 0, 0, kind, values.ndim, *values.shape) + values.astype(dtype).tobytes()


@pytest.mark.parametrize(("kind", "dtype"), [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
def test_every_type_of_the_format_is_read_as_its_numbers(tmp_path: Path, kind: int, dtype: str):
    values = np.linspace(0, 100, 24).reshape(2, 3, 4).astype(dtype)
    (tmp_path / "values").write_bytes(raw(values, kind, dtype))
    read = idx.read_values(tmp_path / "values", 3)
    np.testing.assert_array_equal(read, values)
    assert read.dtype.isnative


def letters(folder: Path, prefix: str, *, splits: tuple[str, ...] = ("train", "test"), labels: int = 26) -> np.ndarray:
    """Write a set of 28×28 images whose labels go from 1 to `labels`."""
    numbers = np.tile(np.arange(1, labels + 1), 2)
    images = np.random.default_rng(0).integers(0, 256, (len(numbers), 28, 28))
    for split in splits:
        (folder / f"{prefix}{split}-images-idx3-ubyte.gz").write_bytes(gzip.compress(tiny.idx_bytes(images)))
        (folder / f"{prefix}{split}-labels-idx1-ubyte").write_bytes(tiny.idx_bytes(numbers))
    return images


@pytest.mark.parametrize("prefix", ["emnist-letters-", "EMNIST_Letters.", "my-"])
def test_files_may_have_a_prefix_and_labels_from_1(tmp_path: Path, prefix: str):
    images = letters(tmp_path, prefix)
    read = idx.read(tmp_path)
    np.testing.assert_array_equal(read.train.images[..., 0], images)
    assert set(read.train.labels) == set(range(1, 27))


def test_a_validation_split_is_used(tmp_path: Path):
    letters(tmp_path, "", splits=("train", "val", "t10k"), labels=5)
    read = idx.read(tmp_path)
    assert read.validation is not None
    assert len(read.validation) == 10


def test_training_files_alone_have_no_test_images_and_test_images_without_labels_are_said(tmp_path: Path):
    letters(tmp_path, "", splits=("train",))
    assert idx.read(tmp_path).test is None
    letters(tmp_path, "", splits=("t10k",))
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    assert idx.read(tmp_path).unlabeled == "t10k-images-idx3-ubyte.gz"


def test_of_several_sets_the_path_chooses_one(tmp_path: Path):
    letters(tmp_path, "emnist-letters-")
    letters(tmp_path, "emnist-digits-", labels=9)
    with pytest.raises(DataError, match=r"2 data sets: emnist-digits, emnist-letters\. Pass one file"):
        idx.read(tmp_path)
    read = idx.read(tmp_path / "emnist-digits-test-labels-idx1-ubyte")
    assert read.train.labels.max() == 9


def test_two_files_of_one_part_are_refused(tmp_path: Path):
    letters(tmp_path, "", splits=("train", "test", "t10k"))
    with pytest.raises(DataError, match="two files that could be the test labels"):
        idx.read(tmp_path)


@pytest.mark.parametrize(
    ("prefix", "labels", "hinted"),
    [("emnist-digits-", 9, True), ("", 26, True), ("", 25, False), ("kmnist-", 9, False)],
)
def test_emnists_transposition_is_hinted_at_and_said(tmp_path: Path, prefix: str, labels: int, hinted: bool):
    letters(tmp_path, prefix, labels=labels)
    for reading, said in ((Reading(), "transpose=True"), (Reading(transpose=True), "exchanged")):
        contents, _ = to_bytes(idx.read(tmp_path, reading), reading)
        assert [said in note for note in contents.notes] == [True] * (hinted or reading.transpose)


@pytest.mark.parametrize("shape", [(4, 6, 5, 3), (4, 3, 6, 5)])
def test_images_may_have_three_channels(tmp_path: Path, shape: tuple[int, ...]):
    images = np.random.default_rng(0).integers(0, 256, shape)
    for split in ("train", "test"):
        (tmp_path / f"{split}-images-idx4-ubyte").write_bytes(tiny.idx_bytes(images))
        (tmp_path / f"{split}-labels-idx1-ubyte").write_bytes(tiny.idx_bytes(np.arange(4)))
    expected = images if shape[3] == 3 else images.transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(idx.read(tmp_path).train.images, expected)
