"""The class of each image in a split: the folder that it lies in, or the beginning of its name."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from muslin.data.readers._layout import has_images, is_image
from muslin.data.readers._tree import File, Tree
from muslin.data.reading import Nested

# "cat.0.png", "cat_12.png", "cat (3).jpg": a word, then a number.
_LABELS = (re.compile(r"(.*[^\W\d].*?)\.\d+\.[^.]+"), re.compile(r"(.*?[^\W\d])[\s._(-]*\d+\)?\.[^.]+"))
# What cameras and programs call every picture.
_NO_LABELS = re.compile(
    "img|image|dscn?|dscf|pic|picture|photo|pxl|scan|screen|screenshot|frame|file|capture|untitled|p|sample|train|test|"
    "val|valid|mvimg|vid|whatsapp",
    re.IGNORECASE,
)


@dataclass
class Images:
    """The images of one split, in the order of their paths.

    Attributes:
        items: path of each image inside the split's folder.
        files: the images.
        classes: folders that lead to each image; none for those directly in the split's folder.
        odd: paths of the files that are no images.
        empty: class folders without images.
    """

    items: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    classes: list[tuple[str, ...]] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)

    def chosen(self, numbers: Sequence[int]) -> Images:
        """Return some of the images."""
        return Images(
            [self.items[number] for number in numbers],
            [self.files[number] for number in numbers],
            [self.classes[number] for number in numbers],
            self.odd,
            self.empty,
        )


def images_of(split: Tree) -> Images:
    """List the images of a split."""
    found = Images(empty=[name for name in sorted(split.folders) if not has_images(split.folders[name])])
    for inside, name, file in split.walk():
        item = "/".join((*inside, name))
        if is_image(name, file):
            found.items.append(item)
            found.files.append(file)
            found.classes.append(tuple(unicodedata.normalize("NFC", each) for each in inside))
        else:
            found.odd.append(item)
    return found


def nesting(train: Images, other: Images | None) -> Nested:
    """Tell which folder names the class, as `Reading.nested` says."""
    if other is None or any(len(inside) != 2 for inside in (*train.classes, *other.classes)):
        return "top"
    pairs = set(train.classes)
    outer, inner = {outer for outer, _ in pairs}, {inner for _, inner in pairs}
    return "leaf" if pairs == set(other.classes) and len(outer) < len(inner) == len(pairs) else "top"


def label_of(inside: tuple[str, ...], nested: Nested) -> str:
    """Return the class of an image by the folders that lead to it."""
    return inside[0] if nested == "top" else "/".join(inside)


def labels_in_names(items: Sequence[str]) -> list[str] | None:
    """Read labels from the names of files, if all have one and there are several images of each.

    >>> labels_in_names(["cat.0.png", "cat.1.png", "dog.0.png", "dog.1.png"])
    ['cat', 'cat', 'dog', 'dog']
    >>> labels_in_names(["IMG_001.jpg", "IMG_002.jpg"])
    """
    names = [unicodedata.normalize("NFC", item.rpartition("/")[2]) for item in items]
    for pattern in _LABELS:
        found = [match[1] for name in names if (match := pattern.fullmatch(name))]
        counts = Counter(found)
        if len(found) == len(names) and len(counts) > 1 and min(counts.values()) > 1:
            return None if any(map(_NO_LABELS.fullmatch, counts)) else found
    return None


class Names:
    """The classes of the training images, under which those of other splits are found.

    Letters' case and the Unicode form of a name do not count, unless classes differ in nothing else.
    """

    def __init__(self, train: Sequence[str]) -> None:
        self.known = set(train)
        self._folded: dict[str, set[str]] = {}
        for name in self.known:
            self._folded.setdefault(name.casefold(), set()).add(name)

    def __call__(self, name: str) -> str:
        """Return the training images' name of a class, or the name itself if they do not have it."""
        same = self._folded.get(name.casefold(), set())
        return name if name in self.known or len(same) != 1 else next(iter(same))
