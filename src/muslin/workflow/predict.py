"""`muslin.predict`: classify pictures through ONNX Runtime, without torch."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from muslin._words import percent
from muslin.data.readers.csv_files import is_csv
from muslin.errors import DataError
from muslin.exports.predictor import Predictor
from muslin.pictures.decode import MOST_BYTES
from muslin.pictures.names import SUFFIXES, pictures_in
from muslin.pictures.picture import Picture
from muslin.runs.folder import RunFolder
from muslin.workflow.inputs import open_run
from muslin.workflow.observer import Watched, observer_of
from muslin.workflow.pictures import note_resized, prepared
from muslin.workflow.rows import Head, pictures_in_rows, require_place, write_predictions

if TYPE_CHECKING:
    from jaxtyping import Float

    from muslin.workflow.trained_run import Run


@dataclass(frozen=True)
class Likely:
    """One class of a prediction.

    Attributes:
        number: number of the class, counted from 0.
        name: name of the class.
        probability: probability of the class, 0–1.
    """

    number: int
    name: str
    probability: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """The prediction of a network for one picture.

    Attributes:
        picture: the network's input and the name of the picture.
        top: most likely classes, most likely first.
        probabilities: probability of every class, in the order of their numbers.
    """

    picture: Picture
    top: tuple[Likely, ...]
    probabilities: Float[np.ndarray, " classes"]

    @property
    def name(self) -> str:
        """Name of the most likely class."""
        return self.top[0].name

    @property
    def probability(self) -> float:
        """Probability of the most likely class, 0–1."""
        return self.top[0].probability

    def __repr__(self) -> str:
        classes = ", ".join(f"{each.name} {percent(each.probability, 1)}" for each in self.top)
        return f"Prediction({self.picture.name}: {classes})"

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as plain values, ready for JSON."""
        return {
            "image": self.picture.name,
            "class": self.name,
            "probability": self.probability,
            "top": [{"number": each.number, "class": each.name, "probability": each.probability} for each in self.top],
            "size": list(self.picture.size),
            "resized": self.picture.resized,
            "photo": None if self.picture.steps is None else list(self.picture.steps),
        }


def predict(
    run: Run | RunFolder | str | Path,
    *images: str | Path | bytes | BinaryIO,
    top: int = 3,
    photo: bool | None = None,
    invert: bool = False,
    out: str | Path | None = None,
    progress: Watched = None,
) -> list[Prediction]:
    """Classify pictures, or the rows of a CSV file, with a run's network.

    A picture of the network's own input size is used as it is. Others go through the photo preparation if the network
    was trained on Fashion-MNIST; otherwise they are resized as its training images were. A row of a CSV
    file is read as those of the training file were; a label that it has is left out.

    Args:
        run: a run, its folder, or "latest".
        images: PNG, JPEG, BMP, WebP, GIF or TIFF files, as paths, open binary files or bytes. A folder stands for all
            pictures in it, and a CSV file for all its rows.
        top: number of classes to return for each picture (default 3).
        photo: whether to use the photo preparation (default: as described above).
        invert: whether to invert the colors, for dark objects on a light background (default False). The photo
            preparation detects this automatically; `photo` and `invert` exclude each other.
        out: CSV file to write, with the name of each image, or the id of each row, and its class (default: none is
            written).
        progress: whether to show notes (default: in a terminal and in a notebook), or an `Observer`.

    Returns:
        One prediction per picture or row, in the order given.

    Raises:
        RunError: there is no such run, or it has no weights.
        DataError: a picture or a CSV file cannot be read, none was given, or the options contradict each other.
        MuslinError: `out` belongs to a run, or cannot be written.
    """
    if photo and invert:
        raise DataError("`photo=True` and `invert=True` exclude each other: the photo preparation inverts if needed.")
    if not images:
        raise DataError("no picture was given. Name at least one file.")
    if top < 1:
        raise DataError(f"`top={top}`: at least one class must be returned.")
    observer = observer_of(progress)
    folder = open_run(run)
    if out is not None:
        require_place(Path(out), folder, images)
    predictor = Predictor.from_run(folder)
    shape, classes = predictor.design.input_shape, predictor.class_names
    pictures: list[Picture] = []
    head = Head()
    for number, image in enumerate(images, 1):
        if isinstance(image, str | Path) and is_csv(Path(image)):
            if photo or invert:
                raise DataError(f"`photo=` and `invert=` are for pictures; the rows of {image} are used as they are.")
            rows, own = pictures_in_rows(Path(image), folder.record.data)
            pictures += rows
            head = own if len(images) == 1 else head
            continue
        pictures += [
            prepared(source, folder.record.data, photo=photo, invert=invert, name=name)
            for source, name in _sources(image, number)
        ]
    note_resized(pictures, shape, observer)
    answers = predictor.probabilities(np.stack([picture.pixels for picture in pictures]))
    found = [_prediction(picture, row, classes, top) for picture, row in zip(pictures, answers, strict=True)]
    if out is not None:
        write_predictions(Path(out), head, [(each.picture.name, each.name) for each in found], classes)
    return found


def _sources(image: str | Path | bytes | BinaryIO, number: int) -> Iterator[tuple[Path | bytes, str]]:
    """Yield the path or the content of a picture, and its name; a folder stands for the pictures in it."""
    if isinstance(image, str | Path) and Path(image).is_dir():
        found = pictures_in(Path(image))
        if not found:
            raise DataError(f"{image} is a folder without pictures ({', '.join(SUFFIXES)}). Pass another one.")
        yield from ((path, str(path)) for path in found)
    else:
        yield _source(image, number)


def _source(image: str | Path | bytes | BinaryIO, number: int) -> tuple[Path | bytes, str]:
    if isinstance(image, str | Path):
        return Path(image), str(image)
    numbered = f"picture {number}"
    if isinstance(image, bytes):
        return image, numbered
    name = "standard input" if image is sys.stdin.buffer else getattr(image, "name", numbered)
    return image.read(MOST_BYTES + 1), name if isinstance(name, str) else numbered  # one byte more than is allowed


def _prediction(picture: Picture, row: np.ndarray, classes: tuple[str, ...], top: int) -> Prediction:
    best = (-row).argsort(kind="stable")[:top]
    return Prediction(picture, tuple(Likely(int(each), classes[each], float(row[each])) for each in best), row)
