"""The justification table as a small file that reports read without the study and without torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from muslin._disk.files import write_bytes, write_text
from muslin.data.source import Source
from muslin.design import Design
from muslin.errors import MuslinError, RunError
from muslin.trials.arm import design_key

FILE = "justification.json"
FOREST = "forest.svg"
STUDIES = Path("studies")  # default folder of `muslin ablate`, beside the folder of runs
LIBRARY = "evidence"  # the folder of studies that ship with Muslin, beside the library's designs
_LARGEST = 4_000_000  # bytes


class JustificationRow(NamedTuple):
    """One alternative in words, a row of the table; differences are choice minus alternative.

    Attributes:
        decision: name of the decision.
        chosen: the design's choice.
        alternative: the alternative.
        effect: difference in validation accuracy in points, with its 95% confidence interval.
        seeds: number of paired seeds.
        parameters, macs, time, latency: cost of the choice relative to the alternative's.
        verdict: the verdict, with its reason.
        because: the design's reason for the choice.
        kind: kind of the verdict, which selects a color: "supported", "contradicted", "equivalent", "supported by
            cost", "costs more for nothing", "undecided", "fails" or "not measured".
    """

    decision: str
    chosen: str
    alternative: str
    effect: str
    seeds: str
    parameters: str
    macs: str
    time: str
    latency: str
    verdict: str
    because: str
    kind: str


class ShiftRow(NamedTuple):
    """Accuracy of an arm, 0–1, on images shifted by 0, 1, 2, 3 and 4 pixels; means over seeds."""

    arm: str
    seeds: int
    accuracies: tuple[float, ...]


class Origin(NamedTuple):
    """How the figures of a study were obtained.

    Attributes:
        design: hash of the design's input shape and layers (`design_key`).
        seeds: seeds of every arm; an undecided one may have more.
        epochs: largest number of epochs in a trial.
        precision: precision of matrix products.
        data: where the images came from; a sentence in files of Muslin 0.1.
        sample: whether they are the sample that ships with Muslin.
        processor: processor that trained.
        muslin: version of Muslin.
        finished: day of the last trial, as YYYY-MM-DD.
    """

    design: str
    seeds: int
    epochs: int
    precision: str
    data: Source
    sample: bool
    processor: str
    muslin: str
    finished: str


@dataclass(frozen=True)
class Justification:
    """The results of a study, in words.

    Attributes:
        design: name of the design.
        recipe: name of the recipe.
        images: number of validation images.
        margin: largest difference, in points, that does not matter.
        rows: rows of the table.
        shifts: accuracy on shifted images, the choice first.
        notes: alternatives that were left out, with the reason; what the intervals do not cover.
        origin: how the figures were obtained.
    """

    design: str
    recipe: str
    images: int
    margin: float
    rows: tuple[JustificationRow, ...]
    shifts: tuple[ShiftRow, ...]
    notes: tuple[str, ...]
    origin: Origin


def save_justification(justification: Justification, folder: Path) -> None:
    """Write justification.json into a study's folder.

    Raises:
        MuslinError: the file cannot be written.
    """
    content = asdict(justification)
    content["rows"] = [row._asdict() for row in justification.rows]
    content["shifts"] = [row._asdict() for row in justification.shifts]
    origin = justification.origin
    content["origin"] = origin._asdict() | {"data": origin.data.model_dump(mode="json")}
    write_text(folder / FILE, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def load_justification(folder: Path) -> Justification:
    """Read justification.json from a study's folder.

    Raises:
        RunError: the file is missing or damaged.
    """
    path = folder / FILE
    try:
        if path.stat().st_size > _LARGEST:
            raise RunError(f"{path} is over {_LARGEST:,} bytes long; Muslin did not write it.")
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}. `muslin ablate` writes it at the end.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RunError(f"{path} is damaged ({error}). `muslin ablate --resume {folder}` writes it again.") from error


def _parsed(content: dict[str, Any]) -> Justification:
    return Justification(
        design=str(content["design"]),
        recipe=str(content["recipe"]),
        images=int(content["images"]),
        margin=float(content["margin"]),
        rows=tuple(JustificationRow(**{name: str(value) for name, value in row.items()}) for row in content["rows"]),
        shifts=tuple(
            ShiftRow(str(row["arm"]), int(row["seeds"]), tuple(map(float, row["accuracies"])))
            for row in content["shifts"]
        ),
        notes=tuple(map(str, content["notes"])),
        origin=_origin(content["origin"]),
    )


def _origin(content: dict[str, Any]) -> Origin:
    read: dict[str, Callable[[Any], Any]] = {"seeds": int, "epochs": int, "sample": bool, "data": Source.model_validate}
    return Origin(**{name: read.get(name, str)(content[name]) for name in Origin._fields})


def find_study(design: Design, studies: Path) -> Path | None:
    """Return the folder of the newest finished study of `design`.

    Studies of other layers, whatever the design's name, do not count, and neither do those of the sample.

    Args:
        design: design that the study must be of.
        studies: folder of studies.

    Returns:
        The newest one under `studies`, or else the one that ships with Muslin; None if there is neither.
    """
    places = sorted(studies.glob(f"*/{FILE}"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    shipped = Path(str(resources.files("muslin") / "designs" / LIBRARY / design.name / FILE))
    for path in [*places, shipped]:
        with suppress(MuslinError, OSError):  # unfinished, or written by another version
            origin = load_justification(path.parent).origin
            if origin.design == design_key(design) and not origin.sample:
                return path.parent
    return None


def copy_evidence(study: Path, to: Path) -> None:
    """Copy what a report shows of a study, the table and the forest plot, into another folder.

    Args:
        study: folder of the study.
        to: folder for the copies.

    Raises:
        RunError: the study has no table yet.
        MuslinError: the files cannot be written.
    """
    load_justification(study)
    for name in (FILE, FOREST):
        if (study / name).is_file():
            write_bytes(to / name, (study / name).read_bytes())
