"""Folders of images as people have them."""

from __future__ import annotations

import io
import struct
import unicodedata
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import tiny
from helpers.tiny import WriteData, files_of
from muslin.data import load_data
from muslin.data.contents import Contents
from muslin.data.readers import formats, image_folder, images
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

RNG = np.random.default_rng(0)


@pytest.fixture
def folder(write_data: WriteData) -> Path:
    return write_data("folder", height=6, width=7)


def put(root: Path, *paths: str, size: tuple[int, int] = (4, 4)) -> Path:
    """Write a gray picture of noise to each path."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(64, 256, size, np.uint8)).save(root / path)
    return root


def fill(root: Path, *folders: str, n: int = 3) -> Path:
    return put(root, *(f"{each}/{number}.png" for each in folders for number in range(n)))


def counts(contents: Contents) -> dict[str, dict[str, int]]:
    """The number of images of each class in each split."""
    splits = {"train": contents.train, "validation": contents.validation, "test": contents.test}
    return {
        name: dict(zip(*(each.tolist() for each in np.unique(part.labels, return_counts=True)), strict=True))
        for name, part in splits.items()
        if part is not None
    }


def first_image(folder: Path, kind: str = "kind b") -> Path:
    return min((folder / "train" / kind).iterdir())


def note(contents: Contents, *words: str) -> bool:
    return any(all(word in each for word in words) for each in contents.notes)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_and_classes_are_those_of_the_folders(write_data: WriteData, channels: int) -> None:
    folder = write_data("folder", channels=channels)
    contents = image_folder.read(folder)
    assert counts(contents)["train"] == {"kind a": 20, "kind b": 20, "kind c": 20}
    assert not contents.notes
    for item, image, label in zip(
        contents.train.items, contents.train.images, contents.train.labels.tolist(), strict=True
    ):
        np.testing.assert_array_equal(image.squeeze(), np.asarray(Image.open(folder / "train" / item)))
        assert item.startswith(f"{label}/")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Train", "Test"),
        ("TRAIN", "TEST"),
        ("Training", "Testing"),
        ("train_set", "test_set"),
        ("training-images", "test-images"),
        ("train", "t10k"),
        ("trainset", "eval"),
        ("images/train", "images/test"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("clone-main/data/train", "clone-main/data/test"),
        ("train/images", "test/images"),
    ],
)
def test_the_usual_names_of_splits_are_known(train: str, test: str, tmp_path: Path) -> None:
    fill(tmp_path, f"{train}/cat", f"{train}/dog")
    fill(tmp_path, f"{test}/cat", f"{test}/dog", n=2)
    (tmp_path / "README.md").write_text("about")
    assert counts(formats.read(tmp_path)) == {"train": {"cat": 3, "dog": 3}, "test": {"cat": 2, "dog": 2}}


@pytest.mark.parametrize("validation", ["val", "Valid", "validation", "dev", "val-images"])
def test_validation_images_are_taken_with_or_without_test_images(validation: str, tmp_path: Path) -> None:
    fill(tmp_path, "train/cat", "train/dog")
    fill(tmp_path, f"{validation}/cat", f"{validation}/dog", n=2)
    contents = formats.read(tmp_path)
    assert counts(contents) == {"train": {"cat": 3, "dog": 3}, "validation": {"cat": 2, "dog": 2}}
    assert contents.validation is not None
    assert contents.validation.name.endswith(validation)
    fill(tmp_path, "test/cat", "test/dog", n=1)
    assert counts(formats.read(tmp_path))["test"] == {"cat": 1, "dog": 1}


@pytest.mark.parametrize("inside", ["", "train/", "pets/", "pets-main/images/"])
def test_folders_of_classes_without_a_split_are_training_images(inside: str, tmp_path: Path) -> None:
    fill(tmp_path, f"{inside}cat", f"{inside}dog")
    contents = formats.read(tmp_path)
    assert counts(contents) == {"train": {"cat": 3, "dog": 3}}
    assert contents.test is None


def test_classes_may_be_called_like_splits(tmp_path: Path) -> None:
    fill(tmp_path, "train", "bus", "valid")
    assert counts(formats.read(tmp_path))["train"] == {"train": 3, "bus": 3, "valid": 3}


def test_a_folder_of_writers_inside_each_class_is_joined(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{split}/{kind}/{who}" for split in ("train", "test") for kind in "AB" for who in ("w1", "w2")))
    contents = formats.read(tmp_path)
    assert counts(contents)["train"] == {"A": 6, "B": 6}
    assert note(contents, "outer folders", 'nested="leaf"')
    assert contents.train.items[0] == "A/w1/0.png"
    leaves = formats.read(tmp_path, Reading(nested="leaf"))
    assert counts(leaves)["test"] == {"A/w1": 3, "A/w2": 3, "B/w1": 3, "B/w2": 3}


def test_the_same_classes_inside_larger_ones_are_the_classes(tmp_path: Path) -> None:
    kinds = ("animal/cat", "animal/dog", "thing/car")
    fill(tmp_path, *(f"{split}/{kind}" for split in ("train", "test") for kind in kinds))
    contents = formats.read(tmp_path)
    assert counts(contents)["test"] == dict.fromkeys(kinds, 3)
    assert note(contents, "inner folders", 'nested="top"')
    assert counts(formats.read(tmp_path, Reading(nested="top")))["train"] == {"animal": 6, "thing": 3}


def test_one_class_may_be_nested_deeper_than_another(tmp_path: Path) -> None:
    fill(tmp_path, "train/cat", "train/dog/breed", "test/cat", "test/dog")
    assert counts(formats.read(tmp_path)) == {"train": {"cat": 3, "dog": 3}, "test": {"cat": 3, "dog": 3}}


def test_names_of_classes_match_without_case_and_unicode_form(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))
    fill(tmp_path, f"train/{composed}", "train/Cat", f"test/{apart}", "test/cat")
    contents = formats.read(tmp_path)
    assert counts(contents)["test"] == {composed: 3, "Cat": 3}
    assert note(contents, "cat is Cat")


def test_letters_that_differ_in_case_only_stay_two_classes(tmp_path: Path) -> None:
    fill(tmp_path, "train/a", "train/A", "test/a", "test/A")
    assert counts(formats.read(tmp_path))["test"] == {"a": 3, "A": 3}


def test_classes_with_numbers_as_names_are_in_their_order(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{split}/{number}" for split in ("train", "test") for number in range(12)), n=2)
    assert load_data(tmp_path, validation_fraction=0.5).class_names == tuple(map(str, range(12)))


@pytest.mark.parametrize(
    "junk",
    [
        "__MACOSX/train/cat/._0.png",
        "train/__MACOSX/cat/._0.png",
        "train/cat/._0.png",
        "train/.DS_Store",
        "train/cat/Thumbs.db",
        "test/dog/desktop.ini",
        "train/.ipynb_checkpoints/0.png",
        "train/cat/@eaDir/0.png",
    ],
)
def test_what_systems_leave_behind_is_ignored_silently(junk: str, tmp_path: Path) -> None:
    fill(tmp_path, "train/cat", "train/dog", "test/cat", "test/dog")
    (tmp_path / junk).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / junk).write_bytes(b"\0\5\x16\7")
    contents = formats.read(tmp_path)
    assert counts(contents)["train"] == {"cat": 3, "dog": 3}
    assert not contents.notes


def test_other_files_and_empty_folders_are_left_out_and_said(tmp_path: Path) -> None:
    fill(tmp_path, "train/cat", "train/dog", "test/cat", "test/dog")
    for number in range(7):
        (tmp_path / f"train/cat/{number}.txt").write_text("about")
    (tmp_path / "train/emu").mkdir()
    put(tmp_path, "train/stray.png")
    contents = formats.read(tmp_path)
    assert counts(contents)["train"] == {"cat": 3, "dog": 3}
    assert note(contents, "7 other files", "train/cat/0.txt", "and 2 more")
    assert note(contents, "1 folder without images", "train/emu")
    assert note(contents, "1 image outside", "stray.png")


def test_pictures_without_a_suffix_are_told_by_their_content(tmp_path: Path) -> None:
    fill(tmp_path, "train/cat", "train/dog", "test/cat", "test/dog")
    for path in (tmp_path / "train" / "cat").iterdir():
        path.rename(path.with_suffix(""))
    (tmp_path / "train" / "cat" / "LICENSE").write_text("free")
    contents = formats.read(tmp_path)
    assert counts(contents)["train"] == {"cat": 3, "dog": 3}
    assert note(contents, "LICENSE")


@pytest.mark.parametrize("name", ["{}.{}.png", "{}_{}.png", "{}-{}.png", "{} ({}).png", "{}{}.png"])
def test_labels_in_the_names_of_files_are_read(name: str, tmp_path: Path) -> None:
    for split, n in (("train", 4), ("test", 2)):
        put(tmp_path, *(f"{split}/{name.format(kind, number)}" for kind in ("cat", "big dog") for number in range(n)))
    contents = formats.read(tmp_path)
    assert counts(contents) == {"train": {"cat": 4, "big dog": 4}, "test": {"cat": 2, "big dog": 2}}
    assert note(contents, "train/", "names")


@pytest.mark.parametrize(
    "names", [["1.png", "2.png"], ["IMG_1.jpg", "DSC_1.jpg", "IMG_2.jpg", "DSC_2.jpg"], ["cat.0.png", "cat.1.png"]]
)
def test_names_that_do_not_tell_classes_are_refused_with_the_way_out(names: list[str], tmp_path: Path) -> None:
    put(tmp_path, *(f"train/{name}" for name in names))
    with pytest.raises(DataError, match=rf"no folder for each class.*{names[0]}.*train/CLASS/"):
        formats.read(tmp_path)


@pytest.mark.parametrize("inside", ["", "test/", "images/"])
def test_test_images_without_classes_have_no_labels(inside: str, tmp_path: Path) -> None:
    fill(tmp_path, "train/cat", "train/dog")
    put(tmp_path, *(f"test/{inside}{number}.png" for number in range(4)))
    contents = formats.read(tmp_path)
    assert contents.test is None
    assert Path(contents.unlabeled).is_relative_to(tmp_path / "test")


def test_a_class_without_training_images_is_named(tmp_path: Path) -> None:
    fill(tmp_path, "train/cat", "train/dog", "test/cat", "test/emu")
    with pytest.raises(DataError, match="label emu"):
        files_of(formats.read(tmp_path))


def test_a_class_may_lack_test_images(folder: Path) -> None:
    for path in (folder / "test" / "kind c").iterdir():
        path.unlink()
    assert set(image_folder.read(folder).test.labels) == {"kind a", "kind b"}


def test_csv_files_beside_the_folders_are_not_used(tmp_path: Path) -> None:
    fill(tmp_path, "train/cat", "train/dog", "test/cat", "test/dog")
    for name in ("train.csv", "test.csv"):
        (tmp_path / name).write_text("filename,label\ncat/0.png,cat\n")
    contents = formats.read(tmp_path)
    assert counts(contents)["train"] == {"cat": 3, "dog": 3}
    assert note(contents, "train.csv", "not used")


def test_pictures_beside_csv_files_do_not_hide_these(write_data: WriteData) -> None:
    folder = write_data("csv")
    put(folder, "signs.png", "more/signs.png")
    assert len(formats.read(folder).train) == 60


@pytest.mark.parametrize(
    ("folders", "says"),
    [
        (["a/train/cat", "a/train/dog", "b/train/cat", "b/train/dog"], "more than one data set: a/train/ and b/train/"),
        (["train-1/cat", "train-1/dog", "train-2/cat", "train-2/dog"], "several folders .*train-1/ and train-2/"),
        (["cat/train", "cat/test", "dog/train", "dog/test"], "splits inside the classes .*train/cat/ and test/cat/"),
        (["test/cat", "test/dog", "val/cat", "val/dog"], "no folder train/"),
    ],
)
def test_what_is_nearly_right_is_named(folders: Iterable[str], says: str, tmp_path: Path) -> None:
    fill(tmp_path, *folders)
    with pytest.raises(DataError, match=says):
        formats.read(tmp_path)


def test_one_picture_is_no_data_set(folder: Path) -> None:
    with pytest.raises(DataError, match="is one picture"):
        formats.read(first_image(folder))


def test_all_bad_files_are_named_at_once(folder: Path) -> None:
    bad = sorted((folder / "train" / "kind b").iterdir())[:7]
    bad[0].write_bytes(b"")
    bad[1].write_bytes(b"not an image")
    bad[2].write_bytes(bad[2].read_bytes()[:-30])
    for path in bad[3:]:
        path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 7 6\n%%EndComments\n")
    put(folder, "test/kind a/large.png", size=(6, 9))
    (folder / "test" / "kind c" / "red.png").write_bytes(tiny.png_bytes(np.zeros((6, 7, 3), np.uint8)))
    with pytest.raises(DataError) as refused:
        formats.read(folder)
    said = str(refused.value)
    assert "7 of 77 images cannot be used" in said
    for name, reason in zip([path.name for path in bad[:3]], ["(empty)", "(not a picture", "(damaged"], strict=True):
        assert f"train/kind b/{name} {reason}" in said
    assert bad[5].name not in said
    assert "and 2 more" in said
    assert "1 of 77 images is not 6×7 (height × width in pixels): test/kind a/large.png (6×9)" in said
    assert '`size="6x7"`' in said
    assert "1 image is color (test/kind c/red.png)" in said
    assert '`color="gray"`' in said


def test_the_conversions_that_a_message_offers_work(folder: Path) -> None:
    put(folder, "train/kind a/large.png", size=(6, 9))
    (folder / "test" / "kind c" / "red.png").write_bytes(tiny.png_bytes(np.zeros((6, 7, 3), np.uint8)))
    for color, channels in (("gray", 1), ("rgb", 3)):
        contents = formats.read(folder, Reading(size="6x7", color=color))
        assert contents.train.images.shape == (61, 6, 7, channels)
        assert note(contents, "1 of 77 images brought to 6×7")


def test_pictures_that_have_all_sizes_need_one(tmp_path: Path) -> None:
    for number in range(6):
        put(tmp_path, f"train/{'ab'[number % 2]}/{number}.png", size=(10 + number, 20))
    with pytest.raises(DataError, match=r"the 6 images have 6 different sizes .*`size=\"64x64\"`"):
        formats.read(tmp_path)
    assert formats.read(tmp_path, Reading(size="16x32")).train.images.shape == (6, 16, 32, 1)


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims width × height pixels and has none."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["kind a", "kind b"])
@pytest.mark.parametrize("side", [5_000, 12_000, 60_000])
def test_a_decompression_bomb_is_not_decoded_wherever_it_stands(folder: Path, side: int, kind: str) -> None:
    first_image(folder, kind).write_bytes(bomb(side, side))
    with pytest.raises(DataError, match="more than 16,777,216 pixels"):
        image_folder.read(folder)


def test_more_pixels_than_memory_should_hold_are_refused_before_they_are_allocated() -> None:
    with pytest.raises(DataError, match="take 16,384,000,000 bytes"):
        images.decode([tiny.png_bytes(np.zeros((4000, 4096, 1), np.uint8))] * 1000, str)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match="no data in a known format"):
        formats.read(tmp_path)
    with pytest.raises(DataError, match="no images in folders"):
        image_folder.read(tmp_path)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    fill(tmp_path, "train/cat", "train/dog", "test/cat", "test/dog")
    (tmp_path / "train" / "cat" / "again").symlink_to(tmp_path / "train" / "cat")
    assert counts(formats.read(tmp_path, AS_IS))["test"] == {"cat": 3, "dog": 3}


def encoded(image: Image.Image, kind: str = "png", **how: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def test_sixteen_and_eight_bits_together_become_sixteen() -> None:
    deep, shallow = RNG.integers(0, 65536, (5, 5), np.uint16), RNG.integers(0, 256, (5, 5), np.uint8)
    for order in (1, -1):
        pair = [encoded(Image.fromarray(deep)), encoded(Image.fromarray(shallow))][::order]
        found = images.decode(pair, str)[::order]
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found[0, ..., 0], deep)
        np.testing.assert_array_equal(found[1, ..., 0], shallow.astype(int) * 257)


def test_a_palette_of_grays_fits_gray_and_color() -> None:
    gray = RNG.integers(0, 256, (5, 5), np.uint8)
    palette = Image.fromarray(gray).convert("P")
    color = RNG.integers(0, 256, (5, 5, 3), np.uint8)
    assert images.decode([encoded(palette), encoded(Image.fromarray(gray))], str).shape == (2, 5, 5, 1)
    for order in (1, -1):
        found = images.decode([encoded(palette), encoded(Image.fromarray(color))][::order], str)[::order]
        np.testing.assert_array_equal(found[0], np.repeat(gray[..., np.newaxis], 3, axis=2))
        np.testing.assert_array_equal(found[1], color)
