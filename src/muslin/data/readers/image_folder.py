"""A folder of images: train/<class>/* and test/<class>/*, with folders named after the classes; or <class>/* alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from muslin._words import count
from muslin.data.contents import Contents, Part
from muslin.data.readers._classes import Images, Names, images_of, label_of, labels_in_names, nesting
from muslin.data.readers._layout import Layout, find_layout
from muslin.data.readers._tree import Tree, tree_of
from muslin.data.readers.images import Pictures, decode_all, some
from muslin.data.reading import AS_IS, Nested, Reading
from muslin.errors import DataError

LOOKED_FOR = "folders train/ and test/ with a folder of images for each class"


def read(folder: Path, reading: Reading = AS_IS) -> Contents:
    """Read the folders of images in a folder.

    Raises:
        DataError: if there are none, or an image cannot be used.
    """
    tree = tree_of(folder)
    layout = find_layout(tree)
    if layout is None:
        raise DataError(f"{folder} contains no images in folders. Expected {LOOKED_FOR}.")
    return read_layout(tree, layout, reading)


def read_layout(root: Tree, layout: Layout, reading: Reading = AS_IS) -> Contents:
    """Read the images of the splits that were found in a folder or an archive.

    Classes are named as in the training folder. What is no image is left out and counted in a note.

    Raises:
        DataError: if the classes of the training images cannot be told, or an image cannot be used.
    """
    splits = {"train": layout.train, "validation": layout.validation, "test": layout.test}
    trees = {role: tree for role, tree in splits.items() if tree is not None}
    found = {role: images_of(tree) for role, tree in trees.items()}
    notes = [*_left_out(trees, found, root), *_tables(layout)]
    labeled, unlabeled = _labeled(trees, found, reading, notes)

    def name(role: str) -> str:
        return f"{trees[role].shown}/".removeprefix(root.shown).lstrip("/")

    if "validation" in unlabeled:
        many = count(len(found["validation"].items), "image")
        notes.append(f"{many} of {name('validation')} without labels left out")

    def pictures(role: str) -> Pictures:
        return Pictures(found[role].files, lambda number: name(role) + found[role].items[number])

    decoded = decode_all([pictures(role) for role in labeled], reading, root.shown)
    parts = {
        role: Part(images, np.array(labels), trees[role].shown, tuple(found[role].items))
        for (role, labels), images in zip(labeled.items(), decoded.images, strict=True)
    }
    return Contents(
        parts["train"],
        parts.get("test"),
        parts.get("validation"),
        notes=(*notes, *decoded.notes),
        ground=decoded.ground,
        unlabeled=trees["test"].shown if "test" in unlabeled else "",
    )


def _labeled(
    trees: dict[str, Tree], found: dict[str, Images], reading: Reading, notes: list[str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the labels of each split that has some, and the splits that have none; drop the images without a label."""
    labels: dict[str, list[str]] = {}
    unlabeled: list[str] = []
    nested = _nested(found, reading, notes)
    names = Names(())
    for role, images in found.items():
        inside = [number for number, folders in enumerate(images.classes) if folders]
        if inside:
            own = [label_of(images.classes[number], nested) for number in inside]
            if len(inside) < len(images.items):
                outside = [item for item, folders in zip(images.items, images.classes, strict=True) if not folders]
                notes.append(f"{count(len(outside), 'image')} outside the folders of classes left out: {some(outside)}")
                found[role] = images.chosen(inside)
        else:
            own = labels_in_names(images.items) or []
            if role != "train" and not names.known >= set(map(names, own)):
                own = []
            if own:
                notes.append(f"the classes of {Path(trees[role].shown).name}/ are the beginnings of its files' names")
        if role == "train":
            _check_train(trees[role], images, own)
            names = Names(own)
        if own:
            labels[role] = list(map(names, own))
            _renamed(trees[role], set(own) - set(labels[role]), names, notes)
        else:
            unlabeled.append(role)
    return labels, unlabeled


def _nested(found: dict[str, Images], reading: Reading, notes: list[str]) -> Nested:
    train = found["train"]
    if reading.nested is not None:
        return reading.nested
    nested = nesting(train, found.get("test", found.get("validation")))
    if any(len(inside) > 1 for inside in train.classes):
        which, other, way = ("inner", "outer", "top") if nested == "leaf" else ("outer", "inner", "leaf")
        classes = sorted({label_of(inside, nested) for inside in train.classes if inside})
        notes.append(f'the {which} folders are the classes ({some(classes)}); `nested="{way}"` takes the {other} ones')
    return nested


def _check_train(tree: Tree, images: Images, labels: list[str]) -> None:
    if labels:
        return
    raise DataError(
        f"{tree.shown} has {count(len(images.items), 'image')}, but no folder for each class, and the names of its "
        f"files ({some(images.items)}) do not tell the classes, as cat.0.png and dog.0.png would. Move the images of "
        f"each class to a folder of its own: {tree.shown}/CLASS/."
    )


def _renamed(tree: Tree, changed: set[str], names: Names, notes: list[str]) -> None:
    if changed:
        pairs = some(f"{name} is {names(name)}" for name in sorted(changed))
        notes.append(f"classes of {Path(tree.shown).name}/ that differ in letters' case only are one: {pairs}")


def _left_out(trees: dict[str, Tree], found: dict[str, Images], root: Tree) -> list[str]:
    notes = []
    place = {role: f"{tree.shown}/".removeprefix(root.shown).lstrip("/") for role, tree in trees.items()}
    odd = [place[role] + item for role, images in found.items() for item in images.odd]
    if odd:
        notes.append(f"{count(len(odd), 'other file')} among the images left out: {some(odd)}")
    empty = [place[role] + item for role, images in found.items() for item in images.empty]
    if empty:
        notes.append(f"{count(len(empty), 'folder')} without images left out: {some(empty)}")
    return notes


def _tables(layout: Layout) -> list[str]:
    if not layout.tables:
        return []
    return [f"the folders of images were read; {some(layout.tables)} beside them not used"]
