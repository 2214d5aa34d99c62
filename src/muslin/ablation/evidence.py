"""A study's results as files beside it: the table in every format, and every trial."""

from __future__ import annotations

from muslin._files import write_text
from muslin.ablation.study import Study
from muslin.ablation.table import to_csv, to_latex, to_markdown


def write_evidence(study: Study) -> None:
    """Write table.csv, table.md, table.tex, trials.csv and shifts.csv into the study's folder.

    Raises:
        MuslinError: a file can't be written.
    """
    if study.plan.contrasts:
        write_text(study.path / "table.csv", to_csv(study))
        write_text(study.path / "table.md", to_markdown(study))
        write_text(study.path / "table.tex", to_latex(study))
        write_text(study.path / "shifts.csv", study.shift_table().write_csv())
    write_text(study.path / "trials.csv", study.trials().write_csv())
