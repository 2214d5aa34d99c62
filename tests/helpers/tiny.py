"""Tiny data sets, written in every format that Muslin reads."""

from __future__ import annotations

import functools
import gzip
import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from muslin.data import Split
from muslin.data.contents import Contents
from muslin.data.files import Files, joined, to_bytes
from muslin.data.labels import number
from muslin.data.reading import AS_IS

WriteData = Callable[..., Path]
"""The type of the fixture `write_data`."""


def split(rng: np.random.Generator, per_class: int, height: int, width: int, channels: int, classes: int) -> Split:
    labels = rng.permutation(np.repeat(np.arange(classes), per_class)).astype(np.int64)
    brightness = (labels + 0.5) * 255 / classes
    noise = rng.normal(0, 10, (len(labels), height, width, channels))
    return Split(np.clip(brightness[:, None, None, None] + noise, 0, 255).astype(np.uint8), labels)


def files_of(contents: Contents) -> Files:
    """The files' images and labels as training takes them."""
    contents, scaling = to_bytes(contents, AS_IS)
    return joined(contents, number(contents).labels, scaling)


def idx_bytes(values: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.astype(np.uint8).tobytes()


def write_idx(folder: Path, train: Split, test: Split) -> Path:
    assert train.images.shape[-1] == 1, "IDX has no colour"
    folder.mkdir()
    for name, part in (("train", train), ("t10k", test)):
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(part.images[..., 0])))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes(part.labels))
    return folder


def write_csv(folder: Path, train: Split, test: Split) -> Path:
    folder.mkdir()
    for name, part in (("train", train), ("test", test)):
        flat = part.images.reshape(len(part), -1)
        header = ",".join(["label", *(f"pixel{n + 1}" for n in range(flat.shape[1]))])
        rows = np.column_stack([part.labels, flat])
        np.savetxt(folder / f"fashion-mnist_{name}.csv", rows, fmt="%d", delimiter=",", header=header, comments="")
    return folder


def png_bytes(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(buffer, "png")
    return buffer.getvalue()


def write_parquet(folder: Path, train: Split, test: Split) -> Path:
    folder.mkdir()
    for name, part in (("train", train), ("test", test)):
        images = [{"bytes": png_bytes(image), "path": None} for image in part.images]
        schema = {"image": pl.Struct({"bytes": pl.Binary, "path": pl.String}), "label": pl.Int64}
        frame = pl.DataFrame({"image": images, "label": part.labels}, schema=schema)
        frame.write_parquet(folder / f"{name}-00000-of-00001.parquet")
    return folder


def write_npz(path: Path, train: Split, test: Split) -> Path:
    path = path.with_suffix(".npz")
    np.savez(path, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    return path


def write_folder(folder: Path, train: Split, test: Split) -> Path:
    for name, part in (("train", train), ("test", test)):
        for place, (image, label) in enumerate(zip(part.images, part.labels, strict=True)):
            path = folder / name / f"kind {'abcdefghij'[label]}" / f"{place:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png_bytes(image))
    return folder


def write_npy(folder: Path, train: Split, test: Split) -> Path:
    folder.mkdir()
    for name, part in (("train", train), ("test", test)):
        np.save(folder / f"x_{name}.npy", part.images)
        np.save(folder / f"y_{name}.npy", part.labels)
    return folder


def write_cifar(folder: Path, train: Split, test: Split) -> Path:
    folder.mkdir()
    for name, part in (("data_batch_1", train), ("test_batch", test)):
        pixels = np.resize(part.images, (len(part), 3 * 32 * 32))
        rows = np.column_stack([part.labels, pixels])
        (folder / f"{name}.bin").write_bytes(rows.astype(np.uint8).tobytes())
    return folder


def write_mat(folder: Path, train: Split, test: Split, *, compress: bool = True) -> Path:
    from scipy.io import savemat  # noqa: PLC0415  (slow to import)

    folder.mkdir()
    for name, part in (("train", train), ("test", test)):
        content = {"X": part.images.transpose(1, 2, 3, 0), "y": part.labels[:, None] + 1}
        savemat(folder / f"{name}_32x32.mat", content, do_compression=compress)
    return folder


WRITERS: dict[str, Callable[[Path, Split, Split], Path]] = {
    "idx": write_idx,
    "csv": write_csv,
    "parquet": write_parquet,
    "npz": write_npz,
    "folder": write_folder,
    "npy": write_npy,
    "cifar": write_cifar,
    "mat": write_mat,
    "plain mat": functools.partial(write_mat, compress=False),
}
