"""The justification table as a small file: what a report shows of a study, without the study and without torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from muslin._files import write_text
from muslin.errors import RunError

FILE = "justification.json"
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
        notes: alternatives that were left out, and why.
    """

    design: str
    recipe: str
    images: int
    margin: float
    rows: tuple[JustificationRow, ...]
    shifts: tuple[ShiftRow, ...]
    notes: tuple[str, ...]


def save_justification(justification: Justification, folder: Path) -> None:
    """Write justification.json into a study's folder.

    Raises:
        MuslinError: it can't be written.
    """
    content = asdict(justification)
    content["rows"] = [row._asdict() for row in justification.rows]
    content["shifts"] = [row._asdict() for row in justification.shifts]
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
    )
