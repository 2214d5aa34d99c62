"""The files that a study leaves in its folder: the table in every format, and every trial."""

from __future__ import annotations

import json

from muslin._disk.files import write_text
from muslin.ablation.justification import Justification, Origin, ShiftRow, save_justification
from muslin.ablation.study import Study
from muslin.ablation.table import caveats, justification_rows, to_csv, to_latex, to_markdown
from muslin.trials.arm import design_key


def justification(study: Study) -> Justification:
    """Return the results of a study in words, as a report shows them."""
    return Justification(
        design=study.design.name,
        recipe=study.recipe.name,
        images=study.images,
        margin=study.settings.margin,
        rows=justification_rows(study),
        shifts=tuple(ShiftRow(row.name, row.seeds, row.accuracies) for row in study.shifts()),
        notes=(*study.plan.notes, *caveats(study)),
        origin=_origin(study),
    )


def _origin(study: Study) -> Origin:
    environment = json.loads(study.store.get("environment") or "{}")
    finished = [row.finished for row in study.store.trials().values()]
    return Origin(
        design=design_key(study.design),
        seeds=study.settings.seeds,
        epochs=study.recipe.epochs,
        precision=study.precision,
        data=study.source,
        sample=study.sample,
        processor=environment.get("processor", ""),
        muslin=environment.get("muslin", ""),
        finished=max(finished, default="")[:10],
    )


def write_evidence(study: Study) -> None:
    """Write table.csv, table.md, table.tex, justification.json, trials.csv and shifts.csv into the study's folder.

    Raises:
        MuslinError: a file cannot be written.
    """
    if study.plan.contrasts:
        save_justification(justification(study), study.path)
        write_text(study.path / "table.csv", to_csv(study))
        write_text(study.path / "table.md", to_markdown(study))
        write_text(study.path / "table.tex", to_latex(study))
        write_text(study.path / "shifts.csv", study.shift_table().write_csv())
    write_text(study.path / "trials.csv", study.trials().write_csv())
