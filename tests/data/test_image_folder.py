import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import tiny
from helpers.tiny import WriteData
from muslin.data import formats, image_folder, images
from muslin.errors import DataError


@pytest.fixture
def folder(write_data: WriteData) -> Path:
    return write_data("folder", height=6, width=7)


def first_image(folder: Path, kind: str = "kind b") -> Path:
    return min((folder / "train" / kind).iterdir())


@pytest.mark.parametrize("channels", [1, 3])
def test_images_and_classes_are_those_of_the_folders(write_data: WriteData, channels: int):
    folder = write_data("folder", channels=channels)
    files = image_folder.read(folder)
    assert files.class_names == ("kind a", "kind b", "kind c")
    expected = [path for name in files.class_names for path in sorted((folder / "train" / name).iterdir())]
    for path, image, label in zip(expected, files.train.images, files.train.labels, strict=True):
        np.testing.assert_array_equal(image.squeeze(), np.asarray(Image.open(path)))
        assert files.class_names[label] == path.parent.name


@pytest.mark.parametrize("name", ["Thumbs.db", "desktop.ini"])
def test_what_windows_leaves_in_a_folder_is_left_out(folder: Path, name: str):
    before = len(image_folder.read(folder).test)
    (next((folder / "test").iterdir()) / name).write_bytes(b"no image")
    assert len(image_folder.read(folder).test) == before


def test_hidden_files_are_left_out(folder: Path):
    (folder / "train" / ".DS_Store").write_bytes(b"x")
    (folder / "train" / "kind a" / ".thumbnails").write_bytes(b"x")
    (folder / "train" / ".git").mkdir()
    assert len(image_folder.read(folder).train) == 60


def test_palettes_and_transparency_become_plain_color(tmp_path: Path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 5, 4), dtype=np.uint8))
    encoded = []
    for mode in ("RGBA", "P", "RGB"):
        buffer = io.BytesIO()
        image.convert("RGB").convert(mode).save(buffer, "png")
        encoded.append(buffer.getvalue())
    assert images.decode(encoded, str).shape == (3, 5, 5, 3)


def test_an_unreadable_image_is_named(folder: Path):
    path = first_image(folder)
    path.write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"kind b.*is not a picture"):
        image_folder.read(folder)


def test_a_truncated_image_is_named(folder: Path):
    path = first_image(folder)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"kind b.*(damaged|cannot be read)"):
        image_folder.read(folder)


def test_an_empty_image_file_is_named(folder: Path):
    first_image(folder).write_bytes(b"")
    with pytest.raises(DataError, match=r"kind b.*is empty"):
        image_folder.read(folder)


def test_mixed_sizes_are_refused(folder: Path):
    first_image(folder).write_bytes(tiny.png_bytes(np.zeros((6, 8, 1), np.uint8)))
    with pytest.raises(DataError, match=r"has 8×6 pixels, .* has 7×6"):
        image_folder.read(folder)


def test_grey_and_color_together_are_refused(folder: Path):
    first_image(folder).write_bytes(tiny.png_bytes(np.zeros((6, 7, 3), np.uint8)))
    with pytest.raises(DataError, match=r"is color, .* is gray"):
        image_folder.read(folder)


def test_sixteen_bit_images_are_refused(folder: Path):
    Image.fromarray(np.zeros((6, 7), np.uint16)).save(first_image(folder))
    with pytest.raises(DataError, match="pixels of mode 'I;16'"):
        image_folder.read(folder)


def test_formats_that_could_start_another_program_are_not_opened(folder: Path):
    first_image(folder).write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 7 6\n%%EndComments\n")
    with pytest.raises(DataError, match="is not a picture"):
        image_folder.read(folder)


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims width × height pixels and has none."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["kind a", "kind b"])
@pytest.mark.parametrize("side", [5_000, 12_000, 60_000])
def test_a_decompression_bomb_is_not_decoded_wherever_it_stands(folder: Path, side: int, kind: str):
    first_image(folder, kind).write_bytes(bomb(side, side))
    with pytest.raises(DataError, match="more than 16,777,216 pixels"):
        image_folder.read(folder)


def test_more_pixels_than_memory_should_hold_are_refused_before_they_are_allocated():
    with pytest.raises(DataError, match="take 16,384,000,000 bytes"):
        images.decode([tiny.png_bytes(np.zeros((4000, 4096, 1), np.uint8))] * 1000, str)


def test_a_missing_test_folder_is_named(folder: Path):
    (folder / "test").rename(folder / "more")
    with pytest.raises(DataError, match="has no folder test/"):
        image_folder.read(folder)


def test_folders_that_are_not_split_are_told_how_to_be(folder: Path):
    with pytest.raises(DataError, match=r"no split .*/test/CLASS/"):
        formats.read((folder / "train").rename(folder.parent / "photos"))


def test_a_test_class_that_was_never_shown_is_refused(folder: Path):
    (folder / "test" / "kind c").rename(folder / "test" / "kind z")
    with pytest.raises(DataError, match="has the class 'kind z'"):
        image_folder.read(folder)


def test_a_class_may_lack_test_images(folder: Path):
    for path in (folder / "test" / "kind c").iterdir():
        path.unlink()
    (folder / "test" / "kind c").rmdir()
    assert set(image_folder.read(folder).test.labels) == {0, 1}


def test_folders_without_images_are_refused(tmp_path: Path):
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    with pytest.raises(DataError, match="contains no folders"):
        image_folder.read(tmp_path)
    (tmp_path / "train" / "a").mkdir()
    with pytest.raises(DataError, match="contains no images"):
        image_folder.read(tmp_path)
