"""Results of an ablation study of a design, for the API."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel

from muslin.ablation.justification import STUDIES, find_study, load_justification
from muslin.design import Design
from muslin.errors import MuslinError

_TABLE = "table.csv"
_LARGEST = 4_000_000  # bytes


class Finding(BaseModel):
    """Comparison of one decision's choice with one alternative.

    Attributes:
        difference: validation accuracy of the choice minus the alternative, in percentage points; None if not measured.
        low, high: bounds of the interval around the difference, in percentage points.
        kind: kind of the verdict: "supported", "contradicted", "equivalent", …
    """

    decision: str
    chosen: str
    alternative: str
    seeds: int
    difference: float | None
    low: float | None
    high: float | None
    kind: str
    verdict: str


class StudyAnswer(BaseModel):
    """The newest study of a design.

    Attributes:
        margin: differences up to this size count as equivalent, in percentage points.
        images: number of validation images.
    """

    name: str
    recipe: str
    margin: float
    images: int
    findings: list[Finding]


def newest_study(runs: Path, design: Design) -> StudyAnswer | None:
    """Return the newest study of a design next to the folder of runs, or the one shipped with Muslin; None if none."""
    with suppress(MuslinError, OSError, ValueError, KeyError):  # unfinished, or another version's
        folder = find_study(design, runs.parent / STUDIES)
        if folder is not None:
            justification = load_justification(folder)
            return StudyAnswer(
                name=folder.name,
                recipe=justification.recipe,
                margin=justification.margin,
                images=justification.images,
                findings=_findings(folder / _TABLE, [row.alternative for row in justification.rows]),
            )
    return None


def _findings(path: Path, alternatives: list[str]) -> list[Finding]:
    """Return the rows of a table; the justification gives each alternative a distinct name."""
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path} is too long")
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    return [
        Finding(
            decision=row["decision"],
            chosen=row["chosen"],
            alternative=alternative,
            seeds=int(row["seeds"]),
            difference=_number(row["difference"]),
            low=_number(row["low"]),
            high=_number(row["high"]),
            kind=row["verdict"],
            verdict=row["verdict_text"],
        )
        for row, alternative in zip(rows, alternatives, strict=True)
    ]


def _number(text: str) -> float | None:
    return float(text) if text else None
