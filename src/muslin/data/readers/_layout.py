"""Which folders of images are the splits, told by their names and by what is in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from muslin._words import listed
from muslin.data.readers._tree import File, Tree
from muslin.errors import DataError
from muslin.pictures.names import is_picture

Role: TypeAlias = Literal["train", "validation", "test"]
_WORDS: dict[str, Role] = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "t10k", "eval", "evaluation"), "test"),
}
# Folders that hold the images of a split without being a class.
_CONTAINERS = ("images", "image", "imgs", "img", "data", "pictures", "photos", "unknown", "all", "unlabeled")
_DOWN = 2  # folders to go down to the data: a clone's root, or the folder that a .zip archive holds
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\x00", b"MM\x00*")
_TABLES = (".csv", ".tsv")


@dataclass(frozen=True)
class Layout:
    """The splits of a folder of images.

    Attributes:
        train: folder of the training images, or of all images.
        validation: folder of the validation images (default None: there is none).
        test: folder of the test images (default None: there is none).
        tables: names of the CSV files beside them, which are not used (default: none).
    """

    train: Tree
    validation: Tree | None = None
    test: Tree | None = None
    tables: tuple[str, ...] = ()


def find_layout(root: Tree) -> Layout | None:
    """Find the splits in a folder, or in the one folder in it that has some.

    Returns:
        The splits; None if there are no images, or none that look like a data set.

    Raises:
        DataError: there is more than one choice, or a folder is nearly what it has to be.
    """
    level = [root]
    for _ in range(_DOWN + 1):
        found = [layout for tree in level if (layout := _split(tree))]
        if len(found) > 1:
            trains = [layout.train for layout in found]
            if not any(map(_full, trains)):
                first, kind = _short(trains[0], root), _short(trains[0], root).split("/")[-3]
                raise DataError(
                    f"{root.shown} has the splits inside the classes ({first} and so on). Exchange the two: "
                    f"train/{kind}/ and test/{kind}/, with the images of that class."
                )
            names = listed([_short(train, root) for train in trains])
            raise DataError(f"{root.shown} has more than one data set: {names}. Pass the folder of one as `path=`.")
        if found:
            return found[0]
        level = [tree.folders[name] for tree in level for name in sorted(tree.folders)]
    tree = root
    for _ in range(_DOWN + 1):
        full = _full(tree)
        if len(full) > 1 or any(True for _ in loose(tree)):
            return _whole(tree, full)
        if not full:
            return None
        (tree,) = full
    return None


def clear_layout(root: Tree) -> Layout | None:
    """Like `find_layout`, but None unless there are folders for at least two classes: for folders with tables too."""
    with suppress(DataError):
        layout = find_layout(root)
        return layout if layout is not None and len(_full(layout.train)) > 1 else None
    return None


def role_of(name: str) -> Role | None:
    """Return the split that a folder's name stands for, if it stands for one.

    >>> [role_of(name) for name in ("Training", "test-images", "seg_train", "valSet", "t10k", "trains", "cat")]
    ['train', 'test', 'train', 'validation', 'test', None, None]
    """
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    words = [re.sub(r"(?<=.)(set|data|images|imgs)$", "", word) for word in re.split(r"[^0-9a-z]+", apart)]
    roles = {_WORDS[word] for word in words if word in _WORDS}
    return roles.pop() if len(roles) == 1 else None


def is_image(name: str, file: File) -> bool:
    """Whether a file is a picture, by its name; without a suffix, by how it begins."""
    if is_picture(name) or "." in name:
        return is_picture(name)
    try:
        if isinstance(file, Path):
            with file.open("rb") as opened:
                return opened.read(8).startswith(_MAGIC)
        return file.read(8).startswith(_MAGIC)
    except OSError:
        return False


def loose(tree: Tree) -> Iterator[str]:
    """Yield the names of the pictures directly in a folder."""
    return (name for name in sorted(tree.files) if is_image(name, tree.files[name]))


def has_images(tree: Tree) -> bool:
    """Whether there are pictures in a folder or in the folders in it."""
    return any(is_image(name, file) for _, name, file in tree.walk())


def _full(tree: Tree) -> list[Tree]:
    return [tree.folders[name] for name in sorted(tree.folders) if has_images(tree.folders[name])]


def _short(tree: Tree, root: Tree) -> str:
    return f"{tree.shown.removeprefix(root.shown).lstrip('/')}/"


def _name(tree: Tree) -> str:
    return tree.shown.rpartition("/")[2]


def _split(tree: Tree) -> Layout | None:
    """Return the splits directly in a folder."""
    full = _full(tree)
    roles = {role: [each for each in full if role_of(_name(each)) == role] for role in ("train", "validation", "test")}
    if not roles["train"]:
        return None
    train = _only(roles["train"], tree)
    others = [each for each in full if role_of(_name(each)) is None]
    if others and not _full(train):  # a class that is called train, beside others
        return None
    validation, test = (_only(roles[role], tree) if roles[role] else None for role in ("validation", "test"))
    tables = tuple(name for name in sorted(tree.files) if Path(name).suffix.lower() in _TABLES)
    return Layout(_down(train), validation and _down(validation), test and _down(test), tables)


def _only(candidates: list[Tree], parent: Tree) -> Tree:
    """Return the one folder for a split; one that is called exactly so comes before others."""
    exact = [each for each in candidates if _name(each).lower() in _WORDS]
    if len(candidates) == 1 or len(exact) == 1:
        return (exact if len(exact) == 1 else candidates)[0]
    names = listed([_short(each, parent) for each in candidates])
    raise DataError(
        f"{parent.shown} has several folders for one split: {names}. Move all but one elsewhere, or join them."
    )


def _down(split: Tree) -> Tree:
    """Return the folder that has the classes of a split: itself, or the only one in it if that is no class."""
    full = _full(split)
    while len(full) == 1 and not any(True for _ in loose(split)):
        name = _name(full[0]).lower()
        if name not in _CONTAINERS and role_of(name) is None:
            break
        split = full[0]
        full = _full(split)
    return split


def _whole(tree: Tree, full: list[Tree]) -> Layout:
    """Return a folder of classes, without a split, as training images."""
    if full and all(role_of(_name(each)) for each in full):
        raise DataError(
            f"{tree.shown} has {listed([_short(each, tree) for each in full])}, but no folder train/ with training "
            "images. Call the folder of the training images train/."
        )
    tables = tuple(name for name in sorted(tree.files) if Path(name).suffix.lower() in _TABLES)
    return Layout(tree, tables=tables)
