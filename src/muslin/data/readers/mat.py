"""MATLAB's `.mat` files up to version 7: images and labels by their names, as in SVHN, USPS and EMNIST."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from muslin._words import listed
from muslin.data.contents import Contents, Part
from muslin.data.readers import npz
from muslin.data.readers._array_names import Kind, role, split_of
from muslin.data.readers._arrays import check_type
from muslin.data.readers._mat5 import named_arrays
from muslin.data.readers._reading import refuse_impostor, refuse_oversize
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

LOOKED_FOR = "train_32x32.mat and test_32x32.mat, or one .mat file with images and labels"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_SVHN = re.compile(r"(train|test|extra)_32x32\.mat", re.IGNORECASE)
_SVHN_ZERO = 10  # SVHN's label of the digit 0

Arrays = dict[str, "np.ndarray[Any, Any]"]


def found(folder: Path) -> list[Path]:
    """Return the `.mat` files that exist in a folder."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".mat" and path.is_file())


def read(place: Path, _reading: Reading = AS_IS) -> Contents:
    """Read the `.mat` files of a folder, or one of them and those that belong to it.

    Arrays are known by their names, as in `.npz` files; MATLAB keeps the images along the last axis.

    Raises:
        DataError: a file is damaged, of version 7.3, or too large; or an array is missing.
    """
    folder = place if place.is_dir() else place.parent
    files = found(folder)
    by_split = {split: path for path in files if (split := split_of(path.stem)) is not None}
    split_files = [path for path in files if split_of(path.stem) is not None]
    if len(split_files) > len(by_split):
        raise DataError(
            f"{folder} has several .mat files of one split: {', '.join(path.name for path in split_files):.300}. Move "
            "the others away."
        )
    if "train" in by_split and (place == folder or place in split_files):
        arrays = {
            f"{split}_{what.kind}": values
            for split, path in by_split.items()
            for name, values in _arrays(path).items()
            if (what := role(name)) is not None and what.split in (None, split)
        }
        left = [path.name for path in files if path not in split_files]
        return _contents(arrays, folder, by_split["train"].name, left)
    if place == folder and len(files) != 1:
        raise DataError(
            f"{folder} contains {len(files)} .mat files: {', '.join(path.name for path in files):.300}. Pass one of "
            "them as `path=`."
        )
    path = files[0] if place == folder else place
    return _contents(_arrays(path), path, path.name, [])


def _contents(arrays: Arrays, place: Path, name: str, left: list[str]) -> Contents:
    """Join arrays, after bringing the images to the front axis."""
    named = {key: what for key in arrays if (what := role(key)) is not None}
    fronted = dict(arrays)
    for key, what in named.items():
        if what.kind == "labels":
            partner = next((k for k, w in named.items() if w.kind == "images" and w.split == what.split), None)
            if partner is not None:
                fronted[partner], fronted[key] = _front(arrays[partner], arrays[key])

    def load(key: str, kind: Kind) -> np.ndarray[Any, Any]:
        check_type(fronted[key].dtype, f"{place}: {key}", labels=kind == "labels")
        return fronted[key]

    contents = npz.joined(fronted, load, place.name, str(place))
    notes = contents.notes + ((f"{listed(left[:5])} not used",) if left else ())
    class_names, svhn = contents.class_names, _SVHN.fullmatch(name) is not None
    parts = [contents.train, contents.test, contents.validation]
    if svhn and all(part is None or (part.labels.min() >= 1 and part.labels.max() <= _SVHN_ZERO) for part in parts):
        parts = [part and Part(part.images, part.labels % _SVHN_ZERO, part.name) for part in parts]
        class_names = tuple(map(str, range(10)))
        notes += ("SVHN's label 10 was read as the digit 0",)
    assert parts[0] is not None  # noqa: S101  (for the type checker)
    return Contents(parts[0], parts[1], parts[2], class_names=class_names, notes=notes, unlabeled=contents.unlabeled)


def _front(
    images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Bring the axis of images to the front, in both arrays."""
    if images.ndim > 1 and images.shape[-1] in labels.shape and _last(images.shape, labels.shape):
        images = np.ascontiguousarray(np.moveaxis(images, -1, 0))
    if labels.ndim == 2 and labels.shape[0] != len(images) and labels.shape[1] == len(images):
        labels = labels.T
    return images, labels


def _last(shape: tuple[int, ...], labels: tuple[int, ...]) -> bool:
    """Whether images that may lie along the last axis do: MATLAB's way, unless only the other way has channels."""
    if shape[0] not in labels:
        return True
    return len(shape) == 3 or (len(shape) == 4 and (shape[2] in (1, 3) or shape[3] not in (1, 3)))


def _arrays(path: Path) -> Arrays:
    """Read all arrays of a file, after checking how much they unpack to."""
    start = refuse_impostor(path)
    refuse_oversize(path)
    with path.open("rb") as file:
        beginning = file.read(520)
    if beginning[512:520] == _HDF5 or start.startswith((_HDF5, b"MATLAB 7.3")):
        raise DataError(
            f"{path} is a MATLAB 7.3 file (HDF5), which is not read. Save it in MATLAB as version 7, "
            "save('data.mat', 'x_train', 'y_train', '-v7'), or as an .npz file."
        )
    if not start.startswith(b"MATLAB 5.0"):
        raise DataError(f"{path} is not a .mat file of MATLAB 5 to 7: it does not begin with 'MATLAB 5.0'.")
    return named_arrays(path)
