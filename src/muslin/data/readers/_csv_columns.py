"""What the columns of a CSV file are: the label, the pixels in their order, and the rest."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from muslin._words import listed, nearest
from muslin.data.readers._csv_text import CsvText
from muslin.data.readers._row_shape import shape_of_row
from muslin.data.reading import Reading
from muslin.errors import DataError

# Usual names of the columns, without case and without what is neither letter nor digit; the first present one counts.
_LABELS = (
    "label", "labels", "class", "classes", "target", "targets", "y", "category", "categories", "classlabel", "classid",
    "labelid", "categoryid", "classname", "labelname", "categoryname", "digit", "digits", "letter", "letters",
    "character", "char", "symbol", "emotion", "species", "kind", "truth", "groundtruth", "output",
)  # fmt: skip
_IDS = frozenset((
    "", "id", "ids", "index", "idx", "image", "img", "imageid", "imgid", "imagename", "imagepath", "file", "filename",
    "filepath", "path", "name", "key", "row", "rowid", "rownumber", "number", "no", "sample", "sampleid", "uid", "uuid",
))  # fmt: skip
_NAMED = 5  # columns that a message names
_MOSTLY = 0.9  # share of the columns that one way of naming, or of writing, must have to count


@dataclass(frozen=True)
class Columns:
    """The columns of a CSV file, by their places from 0.

    Attributes:
        names: name of each column; "column 1" and so on where the file has no names.
        named: whether the first line has the names.
        label: the labels; None if there are none.
        id: the names or numbers of the images; None if there are none.
        pixels: the pixels, in the order of the image.
        left_out: other columns.
        shuffled: whether the pixels stand in another order in the file.
        either: whether the labels may as well stand in the last column as in the first; the rows decide.
        lost: whether the first line, which is left out, has the values of an image.
    """

    names: tuple[str, ...]
    named: bool
    label: int | None
    id: int | None
    pixels: tuple[int, ...]
    left_out: tuple[int, ...] = ()
    shuffled: bool = False
    either: bool = False
    lost: bool = False

    @property
    def last_label(self) -> Columns:
        """The same columns with the labels in the last one."""
        start = 0 if self.id is None else 1
        return replace(self, label=len(self.names) - 1, pixels=tuple(range(start, len(self.names) - 1)), either=False)


def columns_of(text: CsvText, reading: Reading) -> Columns:
    """Find out what the columns are.

    Raises:
        DataError: two columns have one name, or no column has the name of `reading.label`.
    """
    first = text.first
    numbers = [text.number(cell) for cell in first]
    numeric = sum(number is not None for number in numbers)
    whole = sorted(int(number) for number in numbers if number is not None and number.is_integer())
    counted = len(whole) == numeric > 0 and whole in (list(range(numeric)), list(range(1, numeric + 1)))
    renamed = _renamed(first)
    named = reading.label in first or counted or renamed or numeric < max(_MOSTLY * (len(first) - 1), 2)
    if not named or ((counted or renamed) and numeric == len(first)):
        names = first if counted else tuple(f"column {place}" for place in range(1, len(first) + 1))
        return replace(_unnamed(names, text, reading, named=named), lost=renamed)
    return _named(first, text, reading)


def no_label(text: CsvText, columns: Columns) -> DataError:
    """Return the error for a file in which no column is the label."""
    place = f"{text.path} has no column with a usual name for labels, such as 'label' or 'class'"
    near = near_label(columns)
    if near is not None:
        how = f"`label={near}`" if not re.search(r"[\s`]", near) else f"`label=` and its name, {near!r:.100}"
        return DataError(f"{place}; perhaps it is the column {near!r:.100}. If it is, pass {how}.")
    others = [repr(columns.names[each][:40]) for each in columns.left_out[:_NAMED] if columns.names[each]]
    start = ", ".join(text.first[:3])[:60]
    beside = f"beside pixels it has {listed(others)}" if others else f"its first line starts with {start!r}"
    return DataError(
        f"{place}; {beside}. Pass the name of the column with the labels as `label=`, or name it 'label' in the first "
        "line, as in label,pixel1,pixel2,…"
    )


def near_label(columns: Columns, train: Columns | None = None) -> str | None:
    """Return the column that is probably meant as the label, or None.

    Args:
        columns: columns without a label.
        train: columns of the training file, whose label has the name to look for, and whose other columns are none.
    """
    known_others = {train.names[place] for place in train.left_out} if train else set()
    others = {columns.names[place] for place in columns.left_out if place != columns.id} - known_others
    names = {_plain(name): name for name in sorted(others) if not _is_id(name)}
    also = (_plain(train.names[train.label]),) if train and train.label is not None else ()
    for known in (*filter(None, also), *_LABELS[:8]):
        if (found := nearest(known, names, 0.75)) is not None:
            return names[found]
    return next(iter(names.values())) if len(names) == 1 else None


def _named(names: tuple[str, ...], text: CsvText, reading: Reading) -> Columns:
    twice = next((name for name, times in Counter(names).items() if times > 1 and name), None)
    if twice is not None:
        raise DataError(f"{text.path} has the column {twice!r:.100} twice; every column needs a different name.")
    label = _label(names, text, reading)
    rest = [place for place in range(len(names)) if place != label]
    ids = [place for place in rest if _is_id(names[place])]
    rest = [place for place in rest if place not in set(ids)]
    numeric = [place for place in rest if _is_numeric(place, text)]
    families = Counter(_family(names[place]) for place in numeric if "#" in _family(names[place]))
    family, members = families.most_common(1)[0] if families else ("", 0)
    pixels = numeric
    if members >= _MOSTLY * len(numeric):  # "pixel" beside "pixel.1", as pandas names columns of one name, is akin
        pixels = [place for place in numeric if family.startswith(_family(names[place]))]
    elif shape_of_row(len(numeric), reading) is None and shape_of_row(members, reading) is not None:
        pixels = [place for place in numeric if _family(names[place]) == family]
    if label is None and ids in ([], [0]) and all(names[place].isdecimal() for place in rest):  # of pandas
        more, start = shape_of_row(len(rest), reading), len(ids)
        if more is None and shape_of_row(len(rest) - 1, reading) is not None:
            first = ids[0] if ids else None
            return Columns(names, True, start, first, tuple(rest[1:]), tuple(ids), either=True)
    ordered = _ordered(pixels, names)
    used = {label, *pixels}
    left_out = tuple(place for place in range(len(names)) if place not in used)
    return Columns(names, True, label, ids[0] if ids else None, ordered, left_out, ordered != tuple(pixels))


def _label(names: tuple[str, ...], text: CsvText, reading: Reading) -> int | None:
    plain = [_plain(name) for name in names]
    if reading.label is None:
        return next((plain.index(known) for known in _LABELS if known in plain), None)
    if reading.label in names:
        return names.index(reading.label)
    folded = [name.casefold() for name in names]
    return folded.index(reading.label.casefold()) if reading.label.casefold() in folded else None


def require_label(text: CsvText, columns: Columns, reading: Reading) -> None:
    """Check that a column is the label.

    Raises:
        DataError: none is.
    """
    if columns.label is not None:
        return
    if reading.label is None:
        raise no_label(text, columns)
    names = {name.casefold(): name for name in columns.names}
    near = nearest(reading.label.casefold(), names)
    meant = f"; perhaps {names[near]!r:.100} is meant" if near else ""
    some = ", ".join(repr(name[:40]) for name in columns.names[:_NAMED])
    raise DataError(
        f"{text.path} has no column {reading.label!r:.100}, which `label=` names{meant}. It has the columns {some}"
        f"{', …' if len(columns.names) > _NAMED else '.'}"
    )


def _unnamed(names: tuple[str, ...], text: CsvText, reading: Reading, *, named: bool) -> Columns:
    """Tell the columns of a file without names: pixels, and the label in the first or the last column."""
    every = range(len(names))
    if reading.label in names:
        label = names.index(reading.label)
        return Columns(names, named, label, None, tuple(place for place in every if place != label))
    words = [place for place, cell in enumerate(text.first) if cell and text.number(cell) is None]
    if len(words) == 1 and words[0] in (0, len(names) - 1):
        return Columns(names, named, words[0], None, tuple(place for place in every if place != words[0]))
    pixels = len(names) - 1
    if shape_of_row(pixels, reading) is None and shape_of_row(len(names), reading) is not None:
        return Columns(names, named, None, None, tuple(every))
    if shape_of_row(pixels, reading) is None and shape_of_row(pixels - 1, reading) is not None and _counts(text, named):
        return Columns(names, named, 1, 0, tuple(every[2:]), (0,), either=True)
    return Columns(names, named, 0, None, tuple(every[1:]), either=True)


def _is_numeric(place: int, text: CsvText) -> bool:
    """Whether the first cell of a column that is not empty is a number."""
    cells = (row[place] for row in text.rows if place < len(row) and row[place])
    cell = next(cells, None)
    return not text.rows or (cell is not None and text.number(cell) is not None)


def _renamed(first: Sequence[str]) -> bool:
    """Whether the first line was pixels until pandas took it for names, and made them different: 0,0.1,0.2,7,0.3."""
    if len(set(first)) < len(first):
        return False
    times: dict[str, list[int]] = {}
    for cell in first:
        if found := re.fullmatch(r"(\d+)\.(\d{1,5})", cell):
            times.setdefault(found[1], []).append(int(found[2]))
    enough = sum(map(len, times.values())) > len(first) / 4
    return enough and all(base in first and again == list(range(1, len(again) + 1)) for base, again in times.items())


def _counts(text: CsvText, named: bool) -> bool:
    """Whether the first cells of the rows are consecutive numbers, as those of an index are."""
    rows = text.rows if named else (text.first, *text.rows)
    numbers = [text.number(row[0]) for row in rows if row]
    return len(numbers) > 1 and all(
        after is not None and before is not None and after == before + 1
        for before, after in itertools.pairwise(numbers)
    )


def _ordered(places: Sequence[int], names: tuple[str, ...]) -> tuple[int, ...]:
    """Return pixel columns in the order of the numbers in their names, if the file has them in no such order."""
    keys = [tuple(int(number) for number in re.findall(r"\d{1,9}", names[place])) for place in places]
    families = {_family(names[place]) for place in places}
    if len(families) != 1 or len(set(keys)) < len(keys) or not keys or not keys[0]:
        return tuple(places)
    backwards = [key[::-1] for key in keys]  # "x3y0" by rows: the last number goes first
    if keys == sorted(keys) or backwards == sorted(backwards):
        return tuple(places)
    return tuple(place for _, place in sorted(zip(keys, places, strict=True)))


def _is_id(name: str) -> bool:
    return _plain(name) in _IDS or re.fullmatch(r"unnamed: \d+(_level_\d+)?|.*[_ .-]id", name.casefold()) is not None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def _family(name: str) -> str:
    return re.sub(r"\d+", "#", name.casefold())
