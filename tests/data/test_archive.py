"""Data sets in .zip archives."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers import tiny
from helpers.tiny import WriteData
from muslin.data.readers import _tree, formats
from muslin.data.readers._layout import find_layout
from muslin.data.readers._tree import Tree, tree_of_zip
from muslin.errors import DataError, MuslinError

PNG = tiny.png_bytes(np.arange(20, dtype=np.uint8).reshape(4, 5, 1) * 12)
CLASSES = [f"{split}/{kind}/{n}.png" for split in ("train", "test") for kind in ("cat", "dog") for n in range(2)]


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def pack(folder: Path, path: Path, top: str = "") -> Path:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return zipped(path, {f"{top}{file.relative_to(folder).as_posix()}": file.read_bytes() for file in files})


@pytest.mark.parametrize("top", ["", "clone-main/", "./", "/", "C:\\data\\", "../../"])
@pytest.mark.parametrize("kind", ["folder", "csv", "idx", "parquet"])
def test_an_archive_has_the_content_of_the_folder(kind: str, top: str, write_data: WriteData, tmp_path: Path) -> None:
    folder = write_data(kind)
    path = pack(folder, tmp_path / "data.zip", top)
    packed, plain = formats.read(path), formats.read(folder)
    for one, other in zip(packed.parts, plain.parts, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.labels, other.labels)
        assert one.items == other.items


def test_an_archive_of_arrays_is_read(write_data: WriteData, tmp_path: Path) -> None:
    path = zipped(tmp_path / "data.zip", {"a/data.npz": write_data("npz").read_bytes()})
    assert len(formats.read(path).train) == 60


def test_an_archive_alone_in_a_folder_is_meant(write_data: WriteData, tmp_path: Path) -> None:
    (tmp_path / "download").mkdir()
    pack(write_data("folder"), tmp_path / "download" / "archive.ZIP".lower())
    assert len(formats.read(tmp_path / "download").train) == 60


def test_nothing_is_written_beside_an_archive_or_where_its_names_point(tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    outside = tmp_path / "evil.csv"
    names = ["../../evil.csv", str(outside), "..\\..\\evil.csv", *CLASSES]
    formats.read(zipped(inside / "data.zip", dict.fromkeys(names, PNG)))
    with pytest.raises(DataError):
        formats.read(zipped(inside / "data.zip", {"../../train.csv": b"x", "../../test.csv": b"x"}))
    assert [path.name for path in sorted(tmp_path.rglob("*")) if path.is_file()] == ["data.zip"]


def test_names_in_utf_8_without_the_flag_are_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "data.zip", {name.replace("cat", "été"): PNG for name in CLASSES})
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            content[start + at] &= ~0x08
            start += 4
    path.write_bytes(content)
    assert set(formats.read(path).train.labels) == {"été", "dog"}


def flagged(path: Path, flag: int) -> Path:
    """Set a flag of every member."""
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            content[start + at] |= flag
            start += 4
    path.write_bytes(content)
    return path


def claiming(path: Path, size: int) -> Path:
    """Let the directory claim a size of its members."""
    content = bytearray(path.read_bytes())
    start = 0
    while (start := content.find(b"PK\x01\x02", start)) >= 0:
        content[start + 24 : start + 28] = struct.pack("<I", size)
        start += 4
    path.write_bytes(content)
    return path


def test_what_is_encrypted_or_packed_otherwise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is encrypted\. Unpack it with its password"):
        formats.read(flagged(zipped(tmp_path / "a.zip", dict.fromkeys(CLASSES, PNG)), 1))
    with pytest.raises(DataError, match=r"method that Muslin does not read \(number 14\)"):
        formats.read(zipped(tmp_path / "b.zip", dict.fromkeys(CLASSES, PNG), zipfile.ZIP_LZMA))
    (tmp_path / "c.zip").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(DataError, match=r"damaged or not a \.zip archive"):
        formats.read(tmp_path / "c.zip")
    with pytest.raises(DataError, match=r"no data in a known format.*it has notes\.txt"):
        formats.read(zipped(tmp_path / "d.zip", {"notes.txt": b"hello"}))


def test_bombs_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="looks like a decompression bomb"):
        formats.read(zipped(tmp_path / "a.zip", {"train.csv": bytes(10**8), "test.csv": b"x"}))
    with pytest.raises(DataError, match="declares"):
        formats.read(claiming(zipped(tmp_path / "b.zip", dict.fromkeys(CLASSES, PNG)), 2**31))
    monkeypatch.setattr(_tree, "_MOST_DIRECTORY", 100)
    with pytest.raises(DataError, match=r"has a directory of [\d,]+ bytes"):
        formats.read(zipped(tmp_path / "c.zip", dict.fromkeys(CLASSES, PNG)))


def test_members_that_lie_about_their_size_are_named_as_bad_pictures(tmp_path: Path) -> None:
    path = claiming(zipped(tmp_path / "a.zip", dict.fromkeys(CLASSES, PNG)), len(PNG) - 30)
    with pytest.raises(DataError, match=r"8 of 8 images cannot be used: train/cat/0\.png \(damaged in the archive"):
        formats.read(path)


def test_all_bad_members_are_named_at_once(tmp_path: Path) -> None:
    members = dict.fromkeys(CLASSES, PNG) | {"train/cat/0.png": b"", "test/dog/1.png": PNG[:-20]}
    with pytest.raises(DataError, match=r"2 of 8 images .*train/cat/0\.png \(empty\), test/dog/1\.png \(damaged"):
        formats.read(zipped(tmp_path / "a.zip", members))


PART = st.sampled_from(
    ["train", "test", "val", "Cat", "cat", "images", "..", ".", "", "__MACOSX", "a\\b", "CON", "x" * 300]
)
NAME = st.sampled_from(
    ["0.png", "1.png", "cat.0.png", "train.csv", "data.npz", "._0.png", "noext", "train-labels-idx1-ubyte"]
)
TREE = st.lists(st.builds(lambda parts, name: "/".join([*parts, name]), st.lists(PART, max_size=12), NAME), max_size=12)
PICTURES = [PNG, b"", PNG[:40], b"label,pixel1\n0,1\n", tiny.png_bytes(np.zeros((4, 5, 3), np.uint8))]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(names=TREE, contents=st.lists(st.sampled_from(PICTURES), min_size=12, max_size=12))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_any_tree_is_read_or_explained_and_nothing_is_written(
    names: list[str], contents: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    path = zipped(folder / "data.zip", dict(zip(names, contents, strict=False)))
    said = ""
    try:
        train = formats.read(path).train
        assert len(train) == len(train.labels)
    except MuslinError as error:
        said = str(error)
    assert len(said) < 3000
    assert os.listdir(folder) == ["data.zip"]  # noqa: PTH208


def test_a_tree_on_disk_is_that_of_its_archive(write_data: WriteData, tmp_path: Path) -> None:
    folder = write_data("folder")
    (folder / "train" / ".hidden").mkdir()
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(folder / "train" / ".hidden" / "0.png")
    path = pack(folder, tmp_path / "data.zip")

    def names(tree: Tree) -> list[tuple[tuple[str, ...], str]]:
        return [(inside, name) for inside, name, _ in tree.walk()]

    with tree_of_zip(path) as tree:
        assert names(tree) == names(_tree.tree_of(folder))
        layout = find_layout(tree)
        assert layout is not None
        assert layout.train.shown == f"{path}/train"


def test_a_member_is_read_to_the_limit_only(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"train/cat/0.png": b"x" * 1000})
    with tree_of_zip(path) as tree:
        ((_, _, member),) = tree.walk()
        assert not isinstance(member, Path)
        assert member.read(10) == b"x" * 10


def test_files_under_another_name_are_told_to_be_renamed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").writestr("a", b"")
    for name in ("train.csv", "test.csv"):
        (tmp_path / name).write_bytes(b"PK\x03\x04" + bytes(30))
    with pytest.raises(DataError, match=r"ZIP archive under another name. Give it a name that ends in \.zip"):
        formats.read(tmp_path)
