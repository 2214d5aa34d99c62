"""The justification table as a small file: what a report shows of a study, without the study and without torch."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from muslin._disk.files import write_bytes, write_text
from muslin.design import Design
from muslin.errors import MuslinError, RunError
from muslin.trials.arm import design_key

FILE = "justification.json"
FOREST = "forest.svg"
STUDIES = Path("studies")  # where `muslin ablate` puts them, beside the folder of runs
LIBRARY = "evidence"  # the folder of studies that ship with Muslin, beside the library's designs
_LARGEST = 4_000_000  # bytes


class JustificationRow(NamedTuple):
    """One alternative, in words, ready to stand in a table; differences are choice minus alternative.

    Attributes:
        kind: the verdict's kind, for a colour: "supported", "contradicted", "equivalent", "supported by cost", "costs
            more for nothing", "undecided", "fails" or "not measured".
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
    """Accuracy of an arm, 0–1, when the images are moved by 0, 1, 2, 3, 4 pixels."""

    arm: str
    seeds: int
    accuracies: tuple[float, ...]


class Origin(NamedTuple):
    """Where the figures of a study come from.

    Attributes:
        design: hash of the design's input shape and layers (`design_key`).
        seeds: of every arm, unless its verdict needed more.
        epochs: of each training, at most.
        precision: of matrix products.
        data: where the images were found.
        sample: whether they were the sample that ships with Muslin.
        processor: that trained.
        muslin: the version.
        finished: the day of the last trial, as YYYY-MM-DD.
    """

    design: str
    seeds: int
    epochs: int
    precision: str
    data: str
    sample: bool
    processor: str
    muslin: str
    finished: str


@dataclass(frozen=True)
class Justification:
    """What a study says, in words.

    Attributes:
        design: the design's name.
        recipe: the recipe's name.
        images: validation images.
        margin: points within which a difference doesn't matter.
        rows: the table.
        shifts: accuracy on moved images, the choice first.
        notes: alternatives that were left out, and why; what the intervals leave out.
        origin: where the figures come from.
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
        MuslinError: it can't be written.
    """
    content = asdict(justification)
    content["rows"] = [row._asdict() for row in justification.rows]
    content["shifts"] = [row._asdict() for row in justification.shifts]
    content["origin"] = justification.origin._asdict()
    write_text(folder / FILE, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def load_justification(folder: Path) -> Justification:
    """Read what a study said from its folder.

    Raises:
        RunError: the file is missing or damaged.
    """
    path = folder / FILE
    try:
        if path.stat().st_size > _LARGEST:
            raise RunError(f"{path} is over {_LARGEST:,} bytes long; Muslin did not write it.")
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RunError(f"{path} can't be read: {error.strerror}. `muslin ablate` writes it at the end.") from error
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
    kinds = {"seeds": int, "epochs": int, "sample": bool}
    return Origin(**{name: kinds.get(name, str)(content[name]) for name in Origin._fields})


def find_study(design: Design, studies: Path) -> Path | None:
    """The folder of the newest finished study of `design` under `studies`, or else of the one that ships with Muslin.

    Studies of other layers, whatever their name, don't count, and neither do those of the sample.
    """
    places = sorted(studies.glob(f"*/{FILE}"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    shipped = Path(str(resources.files("muslin") / "designs" / LIBRARY / design.name / FILE))
    for path in [*places, shipped]:
        with suppress(MuslinError, OSError):  # unfinished, or another version's
            origin = load_justification(path.parent).origin
            if origin.design == design_key(design) and not origin.sample:
                return path.parent
    return None


def copy_evidence(study: Path, to: Path) -> None:
    """Copy what a report shows of a study, the table and the forest plot, into the folder `to`.

    Raises:
        RunError: the study has no table yet.
        MuslinError: the files can't be written.
    """
    load_justification(study)
    for name in (FILE, FOREST):
        if (study / name).is_file():
            write_bytes(to / name, (study / name).read_bytes())
