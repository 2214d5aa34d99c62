"""What the readers say of files that they don't read: every message as a whole, as a person meets it."""

from __future__ import annotations

import errno
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from helpers import tiny
from muslin.data import csv_pair, formats, idx, image_folder, npz, parquet
from muslin.data._reading import may_unzip_to, refuse_oversize
from muslin.data.images import decode
from muslin.errors import DataError

TRAIN, TEST = (tiny.split(np.random.default_rng(seed), 2, 3, 3, 1, 3) for seed in (0, 1))
PIXELS = ",".join(f"pixel{number}" for number in range(1, 10))
ROW = ",".join("0" * 9)
READERS = {"idx": idx.read, "csv": csv_pair.read, "parquet": parquet.read, "folder": image_folder.read, "npz": npz.read}
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

# kind of data set, the file that is changed, what makes its content (None: it is taken away), and what is said of it; {folder}
# and {path} stand for the data set and the file.
CASES: list[tuple[str, str, Callable[[], bytes] | None, str]] = [
    (
        "idx",
        IMAGES,
        lambda: b"",
        "{path} is empty. It was probably cut off while downloading; fetch it again.",
    ),
    (
        "idx",
        IMAGES,
        lambda: b"\x00",
        "{path} is not an IDX file: it starts with 00, an IDX file with 00 00. Fetch it again.",
    ),
    (
        "idx",
        IMAGES,
        lambda: b"\x00\x00\x08\x03\x00",
        "{path} is cut off inside its header. Fetch it again.",
    ),
    (
        "idx",
        IMAGES,
        lambda: b"\x00\x00\x08\x01" + bytes(4),
        "{path} has the IDX magic number 00 00 08 01; a file of images has 00 00 08 03. Were images and labels mixed up?",
    ),
    (
        "idx",
        LABELS,
        lambda: b"\x00\x00\x08\x03" + bytes(12),
        "{path} has the IDX magic number 00 00 08 03; a file of labels has 00 00 08 01. Were images and labels mixed up?",
    ),
    (
        "idx",
        IMAGES,
        lambda: b"\x00\x00\x08\x03" + bytes(12),
        "{path} holds nothing: its header says 0 × 0 × 0. Fetch it again.",
    ),
    (
        "idx",
        IMAGES,
        lambda: b"\x00\x00\x08\x03" + b"\x7f\xff\xff\xff" * 3,
        "{path} claims to hold 9,903,520,300,447,984,150,353,281,023 bytes; Muslin reads at most 2,147,483,648 from one file. Is it damaged? If it is not, take fewer or smaller images.",
    ),
    (
        "idx",
        IMAGES,
        lambda: b"\x00\x00\x08\x03" + b"\x00\x00\x04\x00" * 3,
        "{path} claims to unpack from 16 to 1,073,741,824 bytes, more than 200 times its size. Images don't shrink like that; this looks like a decompression bomb and was not unpacked.",
    ),
    (
        "idx",
        IMAGES,
        lambda: tiny.idx_bytes(TRAIN.images[..., 0])[:-1],
        "{path} holds only 53 of the 54 bytes that its header declares (6 × 3 × 3). It is damaged or was cut off while downloading; fetch it again.",
    ),
    (
        "idx",
        IMAGES,
        lambda: tiny.idx_bytes(TRAIN.images[..., 0]) + b"\x00",
        "{path} holds more than the 54 bytes that its header declares (6 × 3 × 3). It is damaged or was cut off while downloading; fetch it again.",
    ),
    (
        "idx",
        IMAGES,
        lambda: tiny.idx_bytes(TRAIN.images[:5, ..., 0]),
        "train-images-idx3-ubyte.gz holds 5 images and train-labels-idx1-ubyte 6 labels; the numbers must be equal. The two files probably belong to different splits or data sets.",
    ),
    (
        "idx",
        IMAGES,
        lambda: gzip.compress(tiny.idx_bytes(TRAIN.images[..., 0]), mtime=0)[:-9],
        "{path} is cut off: its gzip stream has no end. Fetch it again.",
    ),
    (
        "idx",
        IMAGES,
        lambda: gzip.compress(tiny.idx_bytes(TRAIN.images[..., 0]), mtime=0)[:-4] + bytes(4),
        "{path} is damaged: Incorrect length of data produced. Fetch it again.",
    ),
    (
        "idx",
        IMAGES,
        lambda: b"\xef\xbb\xbf \t\r\n<!DOCTYPE html>",
        "{path} is a web page (HTML); the download probably led to a log-in or error page. Fetch the file itself.",
    ),
    (
        "idx",
        IMAGES,
        lambda: b"PK\x03\x04",
        "{path} is a ZIP archive. Unpack it, and point --data at the folder it unpacks to.",
    ),
    (
        "idx",
        IMAGES,
        lambda: b"version https://git-lfs.github.com/spec/v1",
        "{path} is a Git LFS pointer, which stands for the file. Fetch the file itself with `git lfs pull`.",
    ),
    (
        "idx",
        IMAGES,
        None,
        "{folder} has no file for the train images. IDX data are four files: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (.gz or not).",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: b"",
        "{path} is empty. It was probably cut off while downloading; fetch it again.",
    ),
    (
        "csv",
        TRAIN_CSV,
        None,
        "{folder} has no train file. Looked for fashion-mnist_train.csv and fashion-mnist_test.csv (or any two .csv files named train and test).",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: f"label,{PIXELS}\n".encode(),
        "{path} has a header but no rows.",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: f"\xefclass,{PIXELS}\n".encode("latin1"),
        "{path} has no column 'label'; its first line starts with '�class, pixel1, pixel2'. The first line must name the columns: label,pixel1,pixel2,…",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: f"label;{PIXELS}\n".replace(",", ";").encode(),
        "{path} has no column 'label'; its first line starts with 'label;pixel1;pixel2;pixel3;pixel4;pixel5;pixel6;pixel7;pixel'. Is it separated by semicolons? Save it with commas. The first line must name the columns: label,pixel1,pixel2,…",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: f"label,{PIXELS},pixel1\n".encode(),
        "{path} has the column 'pixel1' twice; every column needs a name of its own.",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: b"label\n1\n",
        "{path} has 0 pixel columns; a square image of one channel has a square number of them (784 for 28×28). For other shapes and for color use an .npz file, Parquet or a folder of images.",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: b"label,pixel1,pixel2,pixel4\n",
        "{path} has 3 pixel columns (pixel3 is missing); a square image of one channel has a square number of them (784 for 28×28). For other shapes and for color use an .npz file, Parquet or a folder of images.",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: ("label," + ",".join(f"pixel{n}" for n in range(16_385))).encode(),
        "{path} has 16,385 pixel columns; Muslin reads at most 16,384 (128×128 pixels) from CSV. Use an .npz file, Parquet or a folder of images.",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: f"label,{PIXELS}\n1,{ROW}\n1,0\n".encode(),
        "{path}, line 3: 2 values where the header names 10 columns. The file was probably cut off or edited; fetch it again.",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: f'label,{PIXELS}\n1,{ROW}\n "a" ,{ROW}\n'.encode(),
        "{path}, line 3: the label 'a' isn't a whole number.",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: f"label,{PIXELS}\n1,{ROW}\n1,{ROW[:-1]}256\n".encode(),
        "{path}, line 3, column 'pixel9': '256' isn't a pixel; pixels are whole numbers from 0 to 255.",
    ),
    (
        "csv",
        TRAIN_CSV,
        lambda: f"label,{PIXELS}\n1,{ROW}\n1,{ROW[:-1]}\n".encode(),
        "{path}, line 3, column 'pixel9': '' isn't a pixel; pixels are whole numbers from 0 to 255.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        None,
        "{folder} has no train file. Looked for two .parquet files named train and test, e.g. train-00000-of-00001.parquet (several shards are joined).",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: b"PAR1PAR1",
        "{path} can't be read as Parquet: it does not begin and end as a Parquet file does. Fetch it again.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(GRAY)]),
        "{path} has no column 'label'; it has image.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(a=[1], b=[2]),
        "{path} has no column 'image' and no column 'label'; it has a, b.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=["x"], label=[1]),
        "{path}: the column 'image' is of type String; it must hold encoded images: binary, or a struct with a field `bytes`.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(GRAY)], label=[1.5]),
        "{path}: the column 'label' is of type Float64; labels are whole numbers from 0.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(GRAY)] * 3, label=[None, 1, None]),
        "{path}: 2 rows have no label; every image needs one.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(GRAY)] * 2, label=[1, None]),
        "{path}: 1 row has no label; every image needs one.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(GRAY), None], label=[1, 2]),
        "{path}: row 2 has no image bytes; the file must hold the images themselves, not paths to them.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(GRAY), b"GIF"], label=[1, 2]),
        "train-00000-of-00001.parquet, row 2 is not a picture in a supported format, or it is damaged. Use a PNG, JPEG, BMP or WebP file.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(GRAY), png(np.zeros((3, 4), np.uint8))], label=[1, 2]),
        "train-00000-of-00001.parquet, row 2 has 4×3 pixels, train-00000-of-00001.parquet, row 1 has 3×3; all images must be of one size. Resize them first.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(GRAY), png(np.zeros((3, 3, 3), np.uint8))], label=[1, 2]),
        "train-00000-of-00001.parquet, row 2 is color, train-00000-of-00001.parquet, row 1 is gray; all images must be of one kind. Convert them first.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(np.zeros((3, 3, 3), np.uint8)), png(GRAY)], label=[1, 2]),
        "train-00000-of-00001.parquet, row 2 is gray, train-00000-of-00001.parquet, row 1 is color; all images must be of one kind. Convert them first.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(np.zeros((3, 3), np.uint16))], label=[1]),
        "train-00000-of-00001.parquet, row 1 has pixels of the kind 'I;16'; Muslin takes 8-bit gray or color. Convert it.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(np.zeros((4_100, 4_100), np.uint8))], label=[1]),
        "train-00000-of-00001.parquet, row 1 has more than 16,777,216 pixels, the most that Muslin takes. Shrink it first.",
    ),
    (
        "parquet",
        TRAIN_PARQUET,
        lambda: table(image=[png(np.zeros((3, 4), np.uint8))], label=[1]),
        "The training images (train-00000-of-00001.parquet) are 3×4×1, the test images (test-00000-of-00001.parquet) 3×3×1 (height × width × channels); all must be alike.",
    ),
    (
        "npz",
        "",
        lambda: b"",
        "{path} is empty. It was probably cut off while downloading; fetch it again.",
    ),
    (
        "npz",
        "",
        lambda: b"no archive",
        "{path} is damaged or not an .npz file: File is not a zip file. Fetch or write it again.",
    ),
    (
        "npz",
        "",
        lambda: archive(x_train=GRAY),
        "{path} lacks y_train, x_test, y_test; it must hold x_train, y_train, x_test, y_test. It holds x_train.",
    ),
    (
        "npz",
        "",
        lambda: zipped(),
        "{path} lacks x_train, y_train, x_test, y_test; it must hold x_train, y_train, x_test, y_test. It holds nothing.",
    ),
    (
        "npz",
        "",
        lambda: archive(**FINE | {"x_train": np.zeros((2, 3, 3), np.float32)}),
        "{path}: x_train holds values of type float32; Muslin reads whole numbers (pixels 0–255, labels from 0). If pixels lie in 0–1, multiply them by 255, round, and save as uint8.",
    ),
    (
        "npz",
        "",
        lambda: archive(**FINE | {"y_train": np.array(["a", "b"])}),
        "{path}: y_train holds values of type <U1; Muslin reads whole numbers (pixels 0–255, labels from 0). Save them as uint8.",
    ),
    (
        "npz",
        "",
        lambda: archive(**FINE | {"y_train": np.zeros((0,), np.uint8)}),
        "{path}: y_train is empty (shape (0,)).",
    ),
    (
        "npz",
        "",
        lambda: archive(**FINE | {"x_train": np.uint8(1)}),
        "{path}: x_train is empty (shape ()).",
    ),
    (
        "npz",
        "",
        lambda: archive(**FINE | {"x_train": GRAY}),
        "{path}: x_train has the shape (3, 3); it must be (images, height, width) or (images, height, width, channels) with 1 or 3 channels, channels last.",
    ),
    (
        "npz",
        "",
        lambda: archive(**FINE | {"x_train": np.zeros((2, 3, 3, 2), np.uint8)}),
        "{path}: x_train has the shape (2, 3, 3, 2); it must be (images, height, width) or (images, height, width, channels) with 1 or 3 channels, channels last.",
    ),
    (
        "npz",
        "",
        lambda: archive(**FINE | {"x_train": np.full((2, 3, 3), -1)}),
        "{path}: x_train holds pixels from -1 to -1; they must lie in 0–255.",
    ),
    (
        "npz",
        "",
        lambda: archive(**FINE | {"x_train": np.full((2, 3, 3), 256)}),
        "{path}: x_train holds pixels from 256 to 256; they must lie in 0–255.",
    ),
    (
        "npz",
        "",
        lambda: archive(**FINE | {"y_train": np.zeros((2, 2), np.uint8)}),
        "{path}: y_train has the shape (2, 2); it must be one label for each image, (2,).",
    ),
    (
        "npz",
        "",
        lambda: archive(**FINE | {"y_train": np.zeros(3, np.uint8)}),
        "{path}: 2 images but 3 labels in y_train; the numbers must be equal.",
    ),
]


@pytest.mark.parametrize(("kind", "name", "content", "said"), CASES, ids=[case[3][:60] for case in CASES])
def test_a_file_that_is_not_read_is_explained(
    kind: str, name: str, content: Callable[[], bytes] | None, said: str, tmp_path: Path
) -> None:
    folder = tiny.WRITERS[kind](tmp_path / "data", TRAIN, TEST)
    path = folder / name if name else folder
    path.unlink() if content is None else path.write_bytes(content())
    with pytest.raises(DataError) as raised:
        READERS[kind](folder)
    assert str(raised.value) == said.format(folder=folder, path=path)


def test_all_files_that_are_missing_are_named(tmp_path: Path) -> None:
    folder = tiny.write_idx(tmp_path / "data", TRAIN, TEST)
    (folder / IMAGES).unlink()
    (folder / LABELS).unlink()
    with pytest.raises(DataError, match=r"data has no file for the train images and the train labels\. IDX"):
        idx.read(folder)


def test_what_the_system_says_of_a_file_is_passed_on(tmp_path: Path) -> None:
    (tmp_path / "data.npz").mkdir()
    with pytest.raises(DataError) as raised:
        npz.read(tmp_path / "data.npz")
    assert str(raised.value) == f"{tmp_path / 'data.npz'} can't be read: Is a directory."
    long = tmp_path / ("x" * 300)
    with pytest.raises(DataError) as raised:
        formats.read(long)
    assert str(raised.value) == f"{long} can't be read: File name too long."


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
        f"{path} has 2,147,483,649 bytes; Muslin reads files of at most 2,147,483,648. Take fewer images."
    )


@pytest.mark.parametrize(("declared", "packed"), [(64 * 2**20, 1), (200 * 2**20, 2**20), (2**31, 2**31)])
def test_as_much_as_may_be_and_not_a_byte_more_is_unpacked(tmp_path: Path, declared: int, packed: int) -> None:
    may_unzip_to(tmp_path, declared, packed)
    with pytest.raises(DataError, match=f"{declared + 1:,} bytes"):
        may_unzip_to(tmp_path, declared + 1, packed)


def test_a_member_of_an_archive_is_held_against_its_own_packed_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muslin.data._reading.EXPANSION_FLOOR", 0)
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **FINE | {"x_train": np.zeros((20, 99, 99), np.uint8)}, more=np.arange(10**6))
    with pytest.raises(DataError, match=r"claims to unpack from \d{3} to 196,148 bytes"):
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
        (OSError(), ""),
        (ValueError("Two lines.\nThe second."), " (Two lines)"),
        (OSError(errno.EIO, "Input/output error"), " (Input/output error)"),
    ],
)
def test_what_pillow_says_of_an_image_is_given_in_one_line(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(DataError) as raised:
        decode([b"an image"], lambda _index: "shoe.png")
    assert str(raised.value) == (
        f"shoe.png is not a picture in a supported format, or it is damaged{reason}. Use a PNG, JPEG, BMP or WebP file."
    )
