"""CSV files with one image per row: a label and its pixels, in any columns; `fashion-mnist_train.csv` is one."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from muslin._words import count, listed
from muslin.data.contents import Contents, Part
from muslin.data.readers import _csv_table
from muslin.data.readers._csv_columns import Columns, columns_of, near_label, no_label, require_label
from muslin.data.readers._csv_text import MOST_COLUMNS, SUFFIXES, CsvText, look_at, too_many
from muslin.data.readers._row_shape import LEAST_PIXELS, require_shape, shape_of_row
from muslin.data.readers._train_test import only_one, split_of, train_and_test, without_split
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Num

LOOKED_FOR = (
    "fashion-mnist_train.csv and fashion-mnist_test.csv (or any two .csv, .tsv or .csv.gz files named train and test, "
    "or one alone)"
)
_MANY = 100  # columns that a list of image files does not have
_NAMED = 5  # files or columns that a note names


@dataclass
class _Notes:
    """What happened to the files: names of files by sentence."""

    files: dict[str, list[str]] = field(default_factory=dict)

    def add(self, path: Path, sentence: str) -> None:
        self.files.setdefault(sentence, []).append(path.name)

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(f"{sentence} ({listed(names)})" for sentence, names in self.files.items())


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a CSV file to predict.

    Attributes:
        images: pixels in any numeric type.
        ids: name or number of each row.
        id_name: name of the column with the ids; "id" if the rows were numbered.
        label_name: name of the column with labels (default None: there are none).
    """

    images: Num[np.ndarray, "image height width channel"]
    ids: tuple[str, ...]
    id_name: str
    label_name: str | None = None


def is_csv(path: Path) -> bool:
    """Whether a file has the suffix of a CSV file."""
    return path.name.lower().endswith(SUFFIXES)


def found(folder: Path) -> list[Path]:
    """Return the CSV files with pixels that exist in a folder: those named train, validation or test, else all."""
    named = list(itertools.chain(*train_and_test(folder, SUFFIXES).values()))
    if named:
        return [path for path in named if _pixels(path) is None or not _is_list(path)]
    return [path for path in _others(folder) if _pixels(path) is not None and not _is_list(path)]


def lists(folder: Path) -> list[Path]:
    """Return the CSV files of a folder that have no pixels, such as lists of image files."""
    named = list(itertools.chain(*train_and_test(folder, SUFFIXES).values()))
    return [path for path in named or _others(folder) if _is_list(path)]


def read(path: Path, reading: Reading = AS_IS) -> Contents:
    """Read the training, validation and test CSV files of a folder, or those that a file belongs to.

    Args:
        path: folder; or a file, which is read with its partners if its name says "train" or "test", else alone.
        reading: how the files are read (default: `Reading`'s defaults).

    Raises:
        DataError: if a file or column is missing or ambiguous, a row has too few or too many values, or a pixel is not
            a number.
    """
    files, notes = _chosen(path), _Notes()
    train, label = _part(files["train"], reading, notes)
    if train is None:
        raise no_label(*label)
    validation, _ = _part(files["validation"], reading, notes, label) if "validation" in files else (None, label)
    test, _ = _part(files["test"], reading, notes, label) if "test" in files else (None, label)
    said = list(notes.sentences)
    if "validation" in files and validation is None:
        said.append(f"{files['validation'].name} has no labels and was left out")
    if others := _unread(path, files):
        names = listed([other.name for other in others[:_NAMED]]) + (" and others" if len(others) > _NAMED else "")
        said.append(f"{count(len(others), 'other CSV file')} in the folder not read: {names}")
    unlabeled = files["test"].name if "test" in files and test is None else ""
    return Contents(train, test, validation, notes=tuple(said), unlabeled=unlabeled)


def read_unlabeled(path: Path, reading: Reading, shape: tuple[int, int, int]) -> Rows:
    """Read the images of a CSV file to predict; labels that it has are left out.

    Args:
        path: the file.
        reading: how the training files were read.
        shape: height, width and channels of the images.

    Raises:
        DataError: as `read`, or the images have another shape.
    """
    height, width, channels = shape
    reading = reading.model_copy(update={"size": (height, width), "color": "rgb" if channels == 3 else "gray"})
    text = look_at(path)
    columns = columns_of(text, reading)
    if len(columns.pixels) != height * width * channels:
        raise DataError(
            f"{path} has {count(len(columns.pixels), 'pixel column')}{_gap(columns)}, but the network takes images of "
            f"{height}×{width}×{channels}, which are {height * width * channels:,}. Use a file like the training file."
        )
    columns = _csv_table.decided(text, columns)
    pixels, words = _csv_table.values(text, columns, (columns.id,))
    ids = tuple(words[0].to_list()) if words else tuple(str(number) for number in range(1, len(pixels) + 1))
    id_name = columns.names[columns.id] if columns.id is not None and columns.named else ""
    label_name = columns.names[columns.label] if columns.label is not None and columns.named else None
    return Rows(pixels.reshape(len(pixels), *shape), ids, id_name or "id", label_name)


def label_name(path: Path, reading: Reading) -> str | None:
    """Return the name of the column with the labels in the training file, or None if that cannot be read."""
    try:
        columns = columns_of(text := look_at(_chosen(path)["train"]), reading)
        require_label(text, columns, reading)
    except (DataError, OSError):
        return None
    return columns.names[columns.label or 0] if columns.named and not columns.either else None


def _part(
    path: Path, reading: Reading, notes: _Notes, like: tuple[CsvText, Columns] | None = None
) -> tuple[Part | None, tuple[CsvText, Columns]]:
    """Read a file; None if it has no labels, which only a file beside training images, `like`, may lack."""
    text = look_at(path)
    columns = columns_of(text, reading)
    if len(columns.pixels) < LEAST_PIXELS:
        raise _no_pixels(text, columns)
    if len(columns.pixels) > MOST_COLUMNS:
        raise too_many(path, len(columns.pixels))
    if like is None:
        require_label(text, columns, reading)
    elif columns.label is None:
        if near_label(columns, like[1]) is not None:
            raise no_label(text, columns)
        return None, (text, columns)
    undecided = columns.either or not columns.named
    columns = _as_like(columns, like[1]) if like is not None else _csv_table.decided(text, columns)
    has = f"{path} has {count(len(columns.pixels), 'pixel column')}"
    if (gap := _gap(columns)) and shape_of_row(len(columns.pixels), reading) is None:
        raise DataError(f"{has}{gap}. The number must be that of an image; write the file again with all columns.")
    shape = require_shape(len(columns.pixels), reading, has)
    pixels, (label,) = _csv_table.values(text, columns, (columns.label,))
    _note(notes, path, columns, decided=undecided)
    if shape[2] == 3 and reading.size is None and reading.color is None:
        notes.add(path, f"rows of {len(columns.pixels):,} pixels were read as color images of {shape[0]}×{shape[1]}")
    part = Part(pixels.reshape(len(pixels), *shape), _csv_table.labels(text, columns, label), path.name)
    return part, (text, columns)


def _as_like(columns: Columns, train: Columns) -> Columns:
    """Take the label of a file without names from the end where the training file has it."""
    at_end = not train.named and train.label == len(train.names) - 1
    return columns.last_label if columns.either and at_end else columns


def _note(notes: _Notes, path: Path, columns: Columns, *, decided: bool) -> None:
    if columns.left_out:
        names = [
            repr(columns.names[place][:40]) if columns.names[place] else "without a name" for place in columns.left_out
        ]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        which = "the column" if len(names) == 1 else "the columns"
        notes.add(path, f"{which} {listed(names[:_NAMED])}{more} {'was' if len(names) == 1 else 'were'} left out")
    if decided:
        place = "last" if columns.label == len(columns.names) - 1 else "second" if columns.label == 1 else "first"
        notes.add(path, f"no column has a name like 'label'; the {place} column was read as the label")
    if columns.lost:
        notes.add(path, "the first line, an image whose values pandas took for names of columns, was left out")
    if columns.shuffled:
        notes.add(path, "the pixel columns were put in the order of the numbers in their names")


def _chosen(path: Path) -> dict[str, Path]:
    """Return the file of each split."""
    folder = path if path.is_dir() else path.parent
    if path != folder and split_of(path.name) is None:
        return {"train": path}
    files = train_and_test(folder, SUFFIXES)
    if path != folder:
        partners = {split: [each for each in of if _alike(each, path)] for split, of in files.items()}
        files = {split: partners[split] or of for split, of in files.items()}
    files = {split: [each for each in of if not _is_list(each)] or of for split, of in files.items()}
    if not files:
        others = _others(folder)
        with_pixels = [each for each in others if not _is_list(each)] or others
        if len(with_pixels) > 1:
            raise DataError(
                f"{folder} has {len(with_pixels)} CSV files ({', '.join(each.name for each in with_pixels[:_NAMED])}"
                f"{', …' if len(with_pixels) > _NAMED else ''}), and none has 'train' or 'test' in its name. Pass one "
                "of them as `path=`, or rename them."
            )
        return {"train": only_one(folder, "train", with_pixels, LOOKED_FOR)}
    train = only_one(folder, "train", files.get("train", []), LOOKED_FOR)
    return {"train": train} | {
        split: only_one(folder, split, files[split], LOOKED_FOR) for split in ("validation", "test") if split in files
    }


def _alike(one: Path, other: Path) -> bool:
    return without_split(one.name) == without_split(other.name)


def _unread(path: Path, files: dict[str, Path]) -> list[Path]:
    """Return the CSV files in a folder that were not read, unless one of its files was asked for."""
    return [other for other in _csvs(path) if other not in files.values()] if path.is_dir() else []


def _csvs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_csv(path) and path.is_file() and path.name[0] != ".")


def _others(folder: Path) -> list[Path]:
    return [path for path in _csvs(folder) if split_of(path.name) is None]


def _pixels(path: Path) -> int | None:
    """Return the number of pixel columns of a file, or of all columns if they are many; None if it cannot be read."""
    try:
        text = look_at(path)
        return len(text.first) if len(text.first) > _MANY else len(columns_of(text, AS_IS).pixels)
    except (DataError, OSError):
        return None


def _is_list(path: Path) -> bool:
    pixels = _pixels(path)
    return pixels is not None and pixels < LEAST_PIXELS


def _no_pixels(text: CsvText, columns: Columns) -> DataError:
    start = f"{text.path} has {count(len(columns.pixels), 'pixel column')}, too few for images."
    row = text.rows[0] if text.rows else ()
    if any(re.search(r"\.(png|jpe?g|bmp|webp|gif|tiff?)$", cell, re.IGNORECASE) for cell in row):
        return DataError(
            f"{start} It seems to list image files. Put these into train/CLASS/ and test/CLASS/, and pass that folder "
            "as `path=`."
        )
    if any(re.fullmatch(r"\d+( \d+){3,}", cell) for cell in row):
        return DataError(f"{start} One column has all pixels of an image in one cell; give every pixel its own column.")
    seen = ", ".join(text.first[:3])[:60]
    return DataError(
        f"{start} Its first line starts with {seen!r}; it must name a label and the pixels, as in "
        "label,pixel1,pixel2,…, with commas, tabs or semicolons between them."
    )


def _gap(columns: Columns) -> str:
    names = (columns.names[place] for place in columns.pixels)
    numbers = sorted(int(match[1]) for name in names if (match := re.fullmatch(r"pixel(\d{1,9})", name)))
    gap = next((before + 1 for before, after in itertools.pairwise(numbers) if after != before + 1), None)
    return "" if gap is None else f" (pixel{gap} is missing)"
