"""A study as a user holds it: its records, and the conclusions and tables that are computed from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muslin._display import line, near, panel, paragraph, public_names, quoted
from muslin._display import table as html_table
from muslin._words import count, signed
from muslin.ablation import conclusions, table
from muslin.ablation.findings import Evidence, Shifted, Together
from muslin.ablation.records import StudyRecords

if TYPE_CHECKING:
    import polars as pl


class Study(StudyRecords):
    """A study on disk. `muslin.ablate` makes and fills one; `Study.open` reads one.

    Every method computes its answer from the trials that are finished by then.
    """

    def __repr__(self) -> str:
        decisions = count(len({contrast.decision.name for contrast in self.plan.contrasts}), "decision")
        alternatives = count(len(self.plan.contrasts), "alternative")
        seeds = count(self.settings.looks[-1], "seed")
        measured = f"{decisions} with {alternatives}"
        return line("Study", quoted(self.design.name), f"recipe {self.recipe.name}", measured, seeds, near(self.path))

    def __dir__(self) -> list[str]:
        return public_names(self)

    def _repr_html_(self) -> str:
        rows = []
        for row in self.evidence(bootstrap=False):
            effect, interval = row.effect, ""
            if effect is not None:
                interval = f"[{signed(effect.interval.low)}, {signed(effect.interval.high)}]"
            rows.append(
                (
                    row.contrast.decision.name,
                    row.contrast.decision.chosen,
                    row.alternative,
                    f"{signed(effect.mean)} {interval}" if effect is not None else "",
                    str(effect.seeds) if effect is not None else "0",
                    row.verdict.kind,
                )
            )
        heads = ("decision", "chosen", "alternative", "difference in points", "seeds", "verdict")
        sample = " The data are the sample: do not quote the numbers." if self.sample else ""
        return panel(
            self.design.name,
            f"study with recipe {self.recipe.name} in {near(self.path)}",
            html_table(heads, rows, text=(0, 1, 2, 5)),
            paragraph(
                "Difference: validation accuracy of the choice minus that of the alternative, on the same seeds, with "
                f"its {100 * (1 - self.alpha):g}% interval. Images: {self.source}.{sample}"
            ),
        )

    def evidence(self, *, bootstrap: bool = True) -> tuple[Evidence, ...]:
        """Return the comparison of each alternative with the choice.

        Args:
            bootstrap: whether to compute the bootstrap intervals as well (default True).
        """
        return conclusions.evidence(self, bootstrap=bootstrap)

    def interactions(self) -> tuple[Together, ...]:
        """Return whether effects add up, for each pair of alternatives that was trained together."""
        return conclusions.interactions(self)

    def shifts(self) -> tuple[Shifted, ...]:
        """Return the accuracy on shifted images of every arm that has trials; the choice first."""
        return conclusions.shifts(self)

    def table(self) -> pl.DataFrame:
        """Return the justification table as a frame, one row for each alternative."""
        return _frame(table.table_rows(self))

    def trials(self) -> pl.DataFrame:
        """Return every trial as a frame, one row for each arm and seed."""
        return _frame(table.trial_rows(self))

    def shift_table(self) -> pl.DataFrame:
        """Return the accuracy on shifted images as a frame, one row for each arm."""
        return _frame(table.shift_columns(self))


def _frame(content: list[dict[str, object]] | dict[str, list[object]]) -> pl.DataFrame:
    import polars as pl  # noqa: PLC0415  (0.1 s that only a frame needs)

    return pl.DataFrame(content, infer_schema_length=None)
