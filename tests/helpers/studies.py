"""Finished studies, made by hand."""

from __future__ import annotations

import os
from pathlib import Path

from muslin.ablation.justification import (
    FILE,
    FOREST,
    Justification,
    JustificationRow,
    Origin,
    ShiftRow,
    save_justification,
)
from muslin.data.source import Source
from muslin.design import Design
from muslin.trials.arm import design_key

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><path d="M0 0"/></svg>'


def study(folder: Path, design: Design, *, sample: bool = False, age: int = 0) -> Path:
    """A folder with a table of one row, finished so many seconds ago."""
    row = JustificationRow(
        *("pooling", "max", "average", "+0.31 [+0.10, +0.52]", "5", "0 %", "0 %", "+4 %", "0 %"),
        *("supported", "The strongest says that it is there.", "supported"),
    )
    origin = Origin(
        design_key(design),
        5,
        2,
        "float32",
        Source(kind="other", name="a folder"),
        sample,
        "a processor",
        "0.1.0",
        "2026-11-24",
    )
    shifts = (ShiftRow(design.name, 5, (0.92, 0.9, 0.8, 0.7, 0.6)),)
    folder.mkdir(parents=True)
    save_justification(Justification(design.name, "fast", 6000, 0.2, (row,), shifts, (), origin), folder)
    (folder / FOREST).write_text(SVG)
    then = (folder / FILE).stat().st_mtime - age
    os.utime(folder / FILE, (then, then))
    return folder
