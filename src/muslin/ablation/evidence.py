"""A study's results as files beside it: the table in every format, and every trial."""

from __future__ import annotations

from muslin._files import write_text
from muslin.ablation.justification import Justification, ShiftRow, save_justification
from muslin.ablation.study import Study
from muslin.ablation.table import justification_rows, to_csv, to_latex, to_markdown


def justification(study: Study) -> Justification:
    """What the study says, in words."""
    return Justification(
        design=study.design.name,
        recipe=study.recipe.name,
        images=study.images,
        margin=study.settings.margin,
        rows=justification_rows(study),
        shifts=tuple(ShiftRow(row.name, row.seeds, row.accuracies) for row in study.shifts()),
        notes=study.plan.notes,
    )


def write_evidence(study: Study) -> None:
    """Write table.csv, table.md, table.tex, justification.json, trials.csv and shifts.csv into the study's folder.

    Raises:
        MuslinError: a file can't be written.
    """
    if study.plan.contrasts:
        save_justification(justification(study), study.path)
        write_text(study.path / "table.csv", to_csv(study))
        write_text(study.path / "table.md", to_markdown(study))
        write_text(study.path / "table.tex", to_latex(study))
        write_text(study.path / "shifts.csv", study.shift_table().write_csv())
    write_text(study.path / "trials.csv", study.trials().write_csv())
