"""The errors of the readers about invalid files, in full: tests/golden/data.txt."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from helpers import golden, tiny
from helpers.tiny import files_of
from muslin.data.audit import audit
from muslin.data.contents import Contents, Part
from muslin.data.files import Files, with_test
from muslin.data.labels import number
from muslin.data.places.sources import find_sample
from muslin.data.readers import csv_files, formats, idx, image_folder, npz, parquet
from muslin.data.readers._reading import may_unzip_to, refuse_oversize
from muslin.data.readers.images import decode
from muslin.data.reading import AS_IS
from muslin.data.split import Split, draw
from muslin.errors import DataError

TRAIN, TEST = (tiny.split(np.random.default_rng(seed), 2, 3, 3, 1, 3) for seed in (0, 1))
PIXELS = ",".join(f"pixel{number}" for number in range(1, 10))
ROW = ",".join("0" * 9)
READERS = {
    "idx": idx.read,
    "csv": csv_files.read,
    "parquet": parquet.read,
    "folder": image_folder.read,
    "npz": npz.read,
}
TRAIN_CSV, TRAIN_PARQUET = "fashion-mnist_train.csv", "train-00000-of-00001.parquet"
IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"


def png(image: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


def table(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def archive(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return buffer.getvalue()


GRAY = np.zeros((3, 3), np.uint8)
FINE = {
    "x_train": np.zeros((2, 3, 3), np.uint8),
    "y_train": np.zeros(2, np.uint8),
    "x_test": np.zeros((2, 3, 3), np.uint8),
    "y_test": np.zeros(2, np.uint8),
}

# Case → kind of data set, file to change, and a function that returns its new content (None: the file is removed).
CASES: dict[str, tuple[str, str, Callable[[], bytes] | None]] = {
    "an empty file": ("idx", IMAGES, lambda: b""),
    "an IDX file of one byte": ("idx", IMAGES, lambda: b"\x00"),
    "an IDX header that is cut off": ("idx", IMAGES, lambda: b"\x00\x00\x08\x03\x00"),
    "labels in place of images": ("idx", IMAGES, lambda: b"\x00\x00\x08\x01" + bytes(4)),
    "images in place of labels": ("idx", LABELS, lambda: b"\x00\x00\x08\x03" + bytes(12)),
    "an IDX file without values": ("idx", IMAGES, lambda: b"\x00\x00\x08\x03" + bytes(12)),
    "an IDX file that declares too much": ("idx", IMAGES, lambda: b"\x00\x00\x08\x03" + b"\x7f\xff\xff\xff" * 3),
    "an IDX file that declares a decompression bomb": (
        "idx",
        IMAGES,
        lambda: b"\x00\x00\x08\x03" + b"\x00\x00\x04\x00" * 3,
    ),
    "an IDX file that is too short": ("idx", IMAGES, lambda: tiny.idx_bytes(TRAIN.images[..., 0])[:-1]),
    "an IDX file that is too long": ("idx", IMAGES, lambda: tiny.idx_bytes(TRAIN.images[..., 0]) + b"\x00"),
    "fewer images than labels": ("idx", IMAGES, lambda: tiny.idx_bytes(TRAIN.images[:5, ..., 0])),
    "a gzip stream without its end": (
        "idx",
        IMAGES,
        lambda: gzip.compress(tiny.idx_bytes(TRAIN.images[..., 0]), mtime=0)[:-9],
    ),
    "a gzip stream with a wrong length": (
        "idx",
        IMAGES,
        lambda: gzip.compress(tiny.idx_bytes(TRAIN.images[..., 0]), mtime=0)[:-4] + bytes(4),
    ),
    "a web page": ("idx", IMAGES, lambda: b"\xef\xbb\xbf \t\r\n<!DOCTYPE html>"),
    "a ZIP archive": ("idx", IMAGES, lambda: b"PK\x03\x04"),
    "a Git LFS pointer": ("idx", IMAGES, lambda: b"version https://git-lfs.github.com/spec/v1"),
    "a missing IDX file": ("idx", IMAGES, None),
    "an empty CSV file": ("csv", TRAIN_CSV, lambda: b""),
    "a missing CSV file": ("csv", TRAIN_CSV, None),
    "a CSV header without rows": ("csv", TRAIN_CSV, lambda: f"label,{PIXELS}\n".encode()),
    "a CSV file without labels": ("csv", TRAIN_CSV, lambda: f"\xefclass,{PIXELS}\n".encode("latin1")),
    "a CSV file with semicolons": ("csv", TRAIN_CSV, lambda: f"label;{PIXELS}\n".replace(",", ";").encode()),
    "a CSV column named twice": ("csv", TRAIN_CSV, lambda: f"label,{PIXELS},pixel1\n".encode()),
    "a CSV file without pixels": ("csv", TRAIN_CSV, lambda: b"label\n1\n"),
    "a missing CSV column": ("csv", TRAIN_CSV, lambda: b"label,pixel1,pixel2,pixel4\n"),
    "too many CSV columns": (
        "csv",
        TRAIN_CSV,
        lambda: ("label," + ",".join(f"pixel{n}" for n in range(16_385))).encode(),
    ),
    "a short CSV row": ("csv", TRAIN_CSV, lambda: f"label,{PIXELS}\n1,{ROW}\n1,0\n".encode()),
    "a CSV label in words": ("csv", TRAIN_CSV, lambda: f'label,{PIXELS}\n1,{ROW}\n "a" ,{ROW}\n'.encode()),
    "a CSV pixel out of range": ("csv", TRAIN_CSV, lambda: f"label,{PIXELS}\n1,{ROW}\n1,{ROW[:-1]}256\n".encode()),
    "an empty CSV cell": ("csv", TRAIN_CSV, lambda: f"label,{PIXELS}\n1,{ROW}\n1,{ROW[:-1]}\n".encode()),
    "a missing Parquet file": ("parquet", TRAIN_PARQUET, None),
    "a file that is not Parquet": ("parquet", TRAIN_PARQUET, lambda: b"PAR1PAR1"),
    "a missing Parquet column": ("parquet", TRAIN_PARQUET, lambda: table(image=[png(GRAY)])),
    "two missing Parquet columns": ("parquet", TRAIN_PARQUET, lambda: table(a=[1], b=[2])),
    "a Parquet column of text": ("parquet", TRAIN_PARQUET, lambda: table(image=["x"], label=[1])),
    "fractional Parquet labels": ("parquet", TRAIN_PARQUET, lambda: table(image=[png(GRAY)], label=[1.5])),
    "missing Parquet labels": ("parquet", TRAIN_PARQUET, lambda: table(image=[png(GRAY)] * 3, label=[None, 1, None])),
    "one missing Parquet label": ("parquet", TRAIN_PARQUET, lambda: table(image=[png(GRAY)] * 2, label=[1, None])),
    "missing image bytes": ("parquet", TRAIN_PARQUET, lambda: table(image=[png(GRAY), None], label=[1, 2])),
    "an image that is not supported": (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(GRAY), b"GIF"], label=[1, 2]),
    ),
    "images of two sizes": (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(GRAY), png(np.zeros((3, 4), np.uint8))], label=[1, 2]),
    ),
    "a color image among gray ones": (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(GRAY), png(np.zeros((3, 3, 3), np.uint8))], label=[1, 2]),
    ),
    "a gray image among color ones": (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(np.zeros((3, 3, 3), np.uint8)), png(GRAY)], label=[1, 2]),
    ),
    "an image of floats": (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(np.zeros((3, 3), np.float32), "TIFF")], label=[1]),
    ),
    "an image that is too large": (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(np.zeros((4_100, 4_100), np.uint8))], label=[1]),
    ),
    "training and test images of different sizes": (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(np.zeros((3, 4), np.uint8))] * 3, label=[0, 1, 2]),
    ),
    "an empty archive": ("npz", "", lambda: b""),
    "a file that is not an archive": ("npz", "", lambda: b"no archive"),
    "an archive with one array": ("npz", "", lambda: archive(x_train=GRAY)),
    "an archive without arrays": ("npz", "", lambda: zipped()),
    "pixels as objects": ("npz", "", lambda: archive(**FINE | {"x_train": np.array([None, 1])})),
    "pixels as text": ("npz", "", lambda: archive(**FINE | {"x_train": np.array(["a", "b"])})),
    "training labels as text": ("npz", "", lambda: archive(**FINE | {"y_train": np.array(["a", "b"])})),
    "no labels": ("npz", "", lambda: archive(**FINE | {"y_train": np.zeros((0,), np.uint8)})),
    "no image axis": ("npz", "", lambda: archive(**FINE | {"x_train": np.uint8(1)})),
    "one image in place of many": ("npz", "", lambda: archive(**FINE | {"x_train": GRAY})),
    "two channels": ("npz", "", lambda: archive(**FINE | {"x_train": np.zeros((2, 4, 4, 2), np.uint8)})),
    "images of three dimensions": ("npz", "", lambda: archive(**FINE | {"x_train": np.zeros((2, 8, 8, 8), np.uint8)})),
    "negative pixels": ("npz", "", lambda: archive(**FINE | {"x_train": np.full((2, 3, 3), -1)})),
    "pixels above 16 bits": (
        "npz",
        "",
        lambda: archive(**FINE | {"y_train": np.arange(2), "x_train": np.full((2, 3, 3), 70_000)}),
    ),
    "two labels per image": ("npz", "", lambda: archive(**FINE | {"y_train": np.zeros((2, 2), np.uint8)})),
    "more labels than images": ("npz", "", lambda: archive(**FINE | {"y_train": np.zeros(3, np.uint8)})),
}


def labeled(train: list[int], test: list[int], names: tuple[str, ...] | None = None) -> Contents:
    parts = (
        Part(np.zeros((len(labels), 1, 1, 1), np.uint8), np.array(labels, np.int64), name)
        for labels, name in ((train, "train.labels"), (test, "test.labels"))
    )
    return Contents(*parts, class_names=names)


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def leaking(shared: int) -> object:
    """An audit of ten test images, of which so many are also among the training images."""
    images = np.arange(40, dtype=np.uint8).reshape(40, 1, 1, 1)
    train = Split(images[:30], np.zeros(30, np.int64))
    test = Split(np.concatenate([images[:shared], images[30 + shared :]]), np.zeros(10, np.int64))
    return audit(Files(train, test, "train", "test"), {"train": train, "test": test}, classes=2)


def mixed_releases() -> object:
    sample, earlier = (
        files_of(find_sample().contents),
        np.random.default_rng(0).integers(0, 256, (10, 28, 28, 1), dtype=np.uint8),
    )
    files = Files(sample.train, Split(earlier, sample.test.labels[:10]), "train", "test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("muslin.data.audit.release_of", lambda split: "sample" if len(split) > 10 else "earlier")
        return audit(files, {}, classes=10)


def two_data_sets(folder: Path) -> object:
    tiny.write_csv(folder / "data", TRAIN, TEST)
    write(folder / "data" / "other.npz", b"")
    return formats.read(folder / "data")


def unsplit(folder: Path) -> object:
    for name in ("boots", "coats"):
        write(folder / "data" / name / "1.png", png(GRAY))
    return with_test(formats.read(folder / "data"), AS_IS)


# Case → a function that fails, given an empty folder.
OTHERS: dict[str, Callable[[Path], object]] = {
    "a path that does not exist": lambda folder: formats.read(folder / "nowhere"),
    "a folder without data": lambda folder: formats.read(folder),
    "two data sets in one folder": two_data_sets,
    "folders of images without a split": unsplit,
    "no folder train": lambda folder: image_folder.read(folder),
    "a class without training images": lambda folder: [
        write(folder / "train" / "coats" / "1.png", png(GRAY)),
        write(folder / "train" / "hats" / "1.png", png(GRAY)),
        write(folder / "test" / "boots" / "1.png", png(GRAY)),
        number(image_folder.read(folder)),
    ],
    "no class folders": lambda folder: [
        write(folder / "train" / "1.png", png(GRAY)),
        write(folder / "test" / "1.png", png(GRAY)),
        image_folder.read(folder),
    ],
    "a label outside the classes": lambda _: number(labeled([0, 1, 2], [12])),
    "a label outside the given classes": lambda _: number(labeled([0, 1, 2], [0]), "boots,coats"),
    "a label outside the named classes": lambda _: number(labeled([0, 1, 2], [0], ("boots", "coats"))),
    "one class": lambda _: number(labeled([0, 0], [0])),
    "one class name": lambda _: number(labeled([0, 1], [0]), ["boots"]),
    "an empty class name": lambda _: number(labeled([0, 1], [0]), "boots,,coats"),
    "a class name twice": lambda _: number(labeled([0, 1], [0]), "boots,coats,boots"),
    "a missing file of class names": lambda folder: number(labeled([0, 1], [0]), folder / "names.txt"),
    "class names that are not text": lambda folder: number(labeled([0, 1], [0]), write(folder / "names.txt", b"\xff")),
    "a validation fraction of one": lambda _: draw(labeled([0, 1], [0]).train.labels, 1.0, 0),
    "a class with one training image": lambda _: draw(labeled([0, 0, 1], [0]).train.labels, 0.1, 0),
    "too few training images": lambda _: draw(labeled([0, 0, 1, 1], [0]).train.labels, 0.9, 0),
    "shared images": lambda _: leaking(2),
    "files of two releases": lambda _: mixed_releases(),
}


def refusal(case: str, folder: Path) -> str:
    """Return the error of a case, without the path of its folder."""
    fail = OTHERS.get(case)
    if fail is None:
        kind, name, content = CASES[case]
        data = tiny.WRITERS[kind](folder / "data", TRAIN, TEST)
        path = data / name if name else data
        path.unlink() if content is None else path.write_bytes(content())
        fail = lambda _: tiny.files_of(READERS[kind](data))  # noqa: E731
    with pytest.raises(DataError) as raised:
        fail(folder)
    return str(raised.value).replace(f"{folder}{os.sep}", "").replace(str(folder), "FOLDER")


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_cannot_be_read_is_named(case: str, tmp_path: Path) -> None:
    _, name, content = CASES[case]
    message = refusal(case, tmp_path)
    assert (name or "data.npz" if content else "data") in message
    assert "\n" not in message


def test_the_wording_of_data_errors(tmp_path: Path) -> None:
    messages = {}
    for position, case in enumerate((*CASES, *OTHERS)):
        folder = tmp_path / str(position)
        folder.mkdir()
        messages[case] = refusal(case, folder)
    golden.compare("data", messages)


def test_all_files_that_are_missing_are_named(tmp_path: Path) -> None:
    folder = tiny.write_idx(tmp_path / "data", TRAIN, TEST)
    (folder / IMAGES).unlink()
    (folder / LABELS).unlink()
    with pytest.raises(DataError, match=r"data has no file for the train images and the train labels\."):
        idx.read(folder)


def test_the_systems_reason_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "data.npz").mkdir()
    with pytest.raises(DataError) as raised:
        npz.read(tmp_path / "data.npz")
    assert "data.npz" in str(raised.value)
    assert "Is a directory" in str(raised.value)
    long = tmp_path / ("x" * 300)
    with pytest.raises(DataError) as raised:
        formats.read(long)
    assert str(raised.value) == f"{long} cannot be read: File name too long."


def test_more_than_muslin_holds_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(2**31)  # takes no place on the disk
    refuse_oversize(path)
    with path.open("wb") as file:
        file.truncate(2**31 + 1)
    with pytest.raises(DataError) as raised:
        refuse_oversize(path)
    assert str(raised.value) == (
        f"{path} has 2,147,483,649 bytes; Muslin reads files of at most 2,147,483,648. Use fewer images."
    )


@pytest.mark.parametrize(("declared", "packed"), [(64 * 2**20, 1), (200 * 2**20, 2**20), (2**31, 2**31)])
def test_as_much_as_may_be_and_not_a_byte_more_is_unpacked(tmp_path: Path, declared: int, packed: int) -> None:
    may_unzip_to(tmp_path, declared, packed)
    with pytest.raises(DataError, match=f"{declared + 1:,} bytes"):
        may_unzip_to(tmp_path, declared + 1, packed)


def test_a_member_of_an_archive_is_compared_with_its_own_packed_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muslin.data.readers._reading.EXPANSION_FLOOR", 0)
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **FINE | {"x_train": np.zeros((20, 99, 99), np.uint8)}, more=np.arange(10**6))
    with pytest.raises(DataError, match=r"would unpack from \d{3} to 196,148 bytes"):
        npz.read(path)


@pytest.mark.parametrize(("names", "read"), [(["a"], None), (["a", "b"], ("a", "b")), (["a", " "], None)])
def test_class_names_of_one_class_or_of_blanks_are_no_names(
    names: list[str], read: tuple[str, ...] | None, tmp_path: Path
) -> None:
    folder = tiny.write_parquet(tmp_path / "data", TRAIN, TEST)
    path = folder / TRAIN_PARQUET
    metadata = {"huggingface": json.dumps({"info": {"features": {"label": {"names": names}}}})}
    pl.read_parquet(path).write_parquet(path, metadata=metadata)
    assert parquet.read(folder).class_names == read


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(), "not a picture in a supported format, or damaged"),
        (ValueError("Two lines.\nThe second."), "damaged: Two lines"),
        (OSError(errno.EIO, "Input/output error"), "damaged: Input/output error"),
    ],
)
def test_pillows_reason_is_quoted_in_one_line(error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(DataError) as raised:
        decode([b"an image"], lambda _index: "shoe.png")
    assert str(raised.value) == f"1 of 1 image cannot be used: shoe.png ({reason}). Replace or remove it."
