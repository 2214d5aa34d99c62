"""NumPy's `.npz` format: images and labels by their names, as in the data sets of Keras and MedMNIST."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from muslin._words import listed
from muslin.data.contents import Contents, Part
from muslin.data.readers._array_names import Kind, SplitName, roles
from muslin.data.readers._arrays import part_of
from muslin.data.readers._npy import read_array
from muslin.data.readers._reading import head, may_unzip_to, refuse_impostor
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

LOOKED_FOR = "one .npz file with x_train, y_train, x_test and y_test"
MEMBERS = ("x_train", "y_train", "x_test", "y_test")
_CLASS_NAMES = ("class_names", "label_names", "target_names", "classes")
_MOST_NAMES = 10_000
_SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")

Load = Callable[[str, Kind], "np.ndarray[Any, Any]"]


def read(path: Path, _reading: Reading = AS_IS) -> Contents:
    """Read the arrays of an `.npz` file. Objects (pickles) are never loaded.

    Images have the shape (image, height, width), with or without an axis of 1 or 3 channels, in any numeric type;
    labels are one whole number or text per image, or one-hot. Arrays are known by their names: x_train and y_train,
    train_images and train_labels, and the like; those of validation are used, and those without a split are training
    images.

    Raises:
        DataError: if the file is damaged, or an array is missing, has another type or shape, or declares an
            implausible size.
    """
    head(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")}

            def load(name: str, kind: Kind) -> np.ndarray[Any, Any]:
                return _member(path, archive, members[name], labels=kind == "labels")

            return joined(members, load, path.name, str(path))
    # ValueError is also raised for a member whose name cannot be decoded.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        if head(path)[:4] != b"PK\x03\x04":
            refuse_impostor(path)
        raise DataError(
            f"{path} is damaged or not an .npz file: {error!s:.200}. Download or write it again."
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def joined(names: Iterable[str], load: Load, short: str, place: str) -> Contents:
    """Join arrays that are known by their names.

    Args:
        names: names of all arrays.
        load: reads one of them, by its name and kind.
        short: name of the file or folder, for the names of parts.
        place: its path, for messages.

    Raises:
        DataError: an array is missing, or two have the same meaning.
    """
    names = list(names)
    found = roles(names)
    for each in found.values():
        if len(each) > 1:
            raise DataError(
                f"{place} has {len(each)} arrays that could be the same: {', '.join(each):.300}. Keep one of them."
            )
    bare = {kind: found.pop((None, kind))[0] for kind in _kinds() if (None, kind) in found}
    if bare and not any(split == "train" for split, _ in found):
        found |= {("train", kind): [name] for kind, name in bare.items()}
    chosen = {key: each[0] for key, each in found.items()}
    _require(chosen, names, place)

    parts: dict[SplitName, Part] = {}
    notes: list[str] = []
    for split in _SPLITS:
        if (split, "labels") in chosen:
            images, labels = chosen[split, "images"], chosen[split, "labels"]
            arrays = load(images, "images"), load(labels, "labels")
            parts[split], said = part_of(*arrays, (f"{place}: {images}", f"{place}: {labels}"), f"{short} ({labels})")
            notes += (note.replace(f"{place}: ", "", 1) for note in said)
    unlabeled = "" if "test" in parts else chosen.get(("test", "images"), "")
    used = {*chosen.values(), *_CLASS_NAMES}
    if left := [name for name in names if name not in used]:
        notes.append(f"{short}: {listed(left[:5])}{' and others' if len(left) > 5 else ''} not used")
    return Contents(
        parts["train"],
        parts.get("test"),
        validation=parts.get("validation"),
        class_names=_class_names(names, load),
        notes=tuple(notes),
        unlabeled=unlabeled and f"{short} ({unlabeled})",
    )


def _kinds() -> tuple[Kind, Kind]:
    return ("images", "labels")


def _require(chosen: dict[tuple[SplitName | None, Kind], str], names: list[str], place: str) -> None:
    """Check that training images, and images for all labels, are there.

    Raises:
        DataError: an array is missing.
    """
    wanted = [("train", kind) for kind in _kinds() if ("train", kind) not in chosen]
    wanted += [(split, "images") for split in _SPLITS[1:] if (split, "labels") in chosen]
    wanted += [("validation", "labels")] if ("validation", "images") in chosen else []
    wanted = [key for key in wanted if key not in chosen]
    if not wanted:
        return
    absent = [
        f"{'x' if kind == 'images' else 'y'}_{'val' if split == 'validation' else split}" for split, kind in wanted
    ]
    raise DataError(
        f"{place} has no {listed(absent)}; it must contain {', '.join(MEMBERS)}, or others of their usual names. Its "
        f"content: {', '.join(names) or 'nothing':.300}."
    )


def _class_names(names: list[str], load: Load) -> tuple[str, ...] | None:
    """Return the class names, if an array of text holds them."""
    for name in names:
        if name.lower() in _CLASS_NAMES:
            values = load(name, "labels")
            texts = tuple(str(value) for value in values.ravel()[:_MOST_NAMES]) if values.dtype.kind == "U" else ()
            return texts if len(texts) > 1 and all(text.strip() for text in texts) else None
    return None


def _member(path: Path, archive: zipfile.ZipFile, member: str, *, labels: bool) -> np.ndarray[Any, Any]:
    """Read one array, after checking its declared size."""
    info = archive.getinfo(member)
    may_unzip_to(path, info.file_size, info.compress_size)
    name = f"{path}: {member.removesuffix('.npy')}"
    return read_array(lambda: archive.open(info), info.file_size, name, labels=labels)
