"""How a study is shown: live while it runs, and its answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from muslin._words import count, plural
from muslin.ablation import Study, Watcher
from muslin.ablation.justification import JustificationRow
from muslin.ablation.plan import arm_names
from muslin.ablation.table import caveats, justification_rows, table_rows
from muslin.ablation.words import describe_effect
from muslin.cli._output import Output

if TYPE_CHECKING:
    from muslin.ablation.forecast import Forecast
    from muslin.trials.store import Row
    from muslin.trials.trial import Trial

_COLORS = {
    "supported": "green",
    "supported by cost": "green",
    "contradicted": "red",
    "costs more for nothing": "yellow",
    "fails": "red",
}
_SLOWEST = 5  # arms that a forecast names


@contextmanager
def watching(output: Output) -> Iterator[Watcher]:
    """A watcher that shows a table in a terminal, and a line for each trial elsewhere."""
    console = output.notes
    if not console.is_terminal or output.quiet:
        yield _Lines(output)
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        yield _Table(live)


class _Counting(Watcher):
    """Counts, and estimates the time left."""

    def on_start(self, study: Study, waiting: int, workers: int) -> None:
        self.started, self.total, self.done, self.workers = time.monotonic(), waiting, 0, workers

    def count(self, waiting: int) -> str:
        """After a trial: how far it is, and how long it still takes."""
        self.done += 1
        self.total = max(self.total, self.done + waiting)
        left = (time.monotonic() - self.started) / self.done * waiting
        return f"{self.done}/{self.done + waiting} trials, {_duration(left)} left"


class _Lines(_Counting):
    def __init__(self, output: Output) -> None:
        self.output = output

    def on_start(self, study: Study, waiting: int, workers: int) -> None:
        super().on_start(study, waiting, workers)
        self.output.note(f"{waiting} trials, {workers} at a time")

    def on_trial(self, study: Study, trial: Trial, row: Row, waiting: int) -> None:
        name = arm_names(study.plan).get(trial.arm.key, trial.arm.key)
        found = f"{row.result.accuracy:.2%} in {row.result.seconds:.1f} s" if row.result else f"failed: {row.cause}"
        self.output.note(f"  {self.count(waiting)}: {name}, seed {trial.seed}: {found}")


class _Table(_Counting):
    def __init__(self, live: Live) -> None:
        self.live = live

    def on_start(self, study: Study, waiting: int, workers: int) -> None:
        super().on_start(study, waiting, workers)
        self.live.update(_running_table(study, f"{waiting} trials, {workers} at a time"))

    def on_trial(self, study: Study, trial: Trial, row: Row, waiting: int) -> None:
        self.live.update(_running_table(study, self.count(waiting)))


def _running_table(study: Study, progress: str) -> Table:
    # Progress on top: a terminal too low for all rows cuts off the bottom.
    table = Table(box=None, title=progress, title_justify="left", pad_edge=False)
    for head in ("decision", "alternative", "trials", "Δ accuracy, points", "verdict so far"):
        table.add_column(head, no_wrap=head != "verdict so far")
    seeds = study.settings.looks[-1]
    for row in study.evidence(bootstrap=False):
        done = len(study.results(row.contrast.other)) + len(study.failures(row.contrast.other))
        table.add_row(
            Text(row.contrast.decision.name),
            Text(row.alternative),
            f"{done}/{seeds}",
            describe_effect(row.effect),
            Text(row.verdict.text, _COLORS.get(row.verdict.kind, "")),
        )
    for found in study.interactions():
        names = f"{found.interaction.first.alternative} + {found.interaction.second.alternative}"
        done = len(study.results(found.interaction.both))
        table.add_row("together", Text(names), f"{done}/{seeds}", describe_effect(found.effect), found.text)
    return table


def answer_study(study: Study, output: Output) -> None:
    """Print the table, decision by decision, with the reasons beside it."""
    rows = study.evidence(bootstrap=False)
    widths = (max((len(row.alternative) for row in rows), default=0), 22)
    worded = zip(justification_rows(study), rows, strict=True)
    for decision, group in groupby(worded, key=lambda pair: pair[0].decision):
        found = list(group)
        output.answer(Text.assemble((f"\n{decision}: {found[0][0].chosen}", "bold")))
        if found[0][0].because:
            output.answer(Text(found[0][0].because, "dim"))
        output.answer(
            _decision_table([(row, _COLORS.get(evidence.verdict.kind, "")) for row, evidence in found], widths)
        )
    _answer_interactions(study, output)
    _answer_shifts(study, output)
    _answer_summary(study, output)


def _decision_table(rows: list[tuple[JustificationRow, str]], widths: tuple[int, int]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("against", min_width=widths[0], no_wrap=True)
    table.add_column("Δ accuracy, points", min_width=widths[1], no_wrap=True)
    for head, width in (("n", 2), ("Δ param.", 8), ("Δ MACs", 7), ("Δ time", 6)):
        table.add_column(head, justify="right", min_width=width, no_wrap=True)
    table.add_column("verdict")
    for row, color in rows:
        cells = (row.alternative, row.effect, row.seeds, row.parameters, row.macs, row.time)
        table.add_row(*(Text(cell) for cell in cells), Text(row.verdict, color))
    return table


def _answer_interactions(study: Study, output: Output) -> None:
    if not study.plan.interactions:
        return
    output.answer(Text("\nTogether, beyond the sum of each alone", "bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("alternatives", "points", "n", ""):
        table.add_column(head, no_wrap=head != "")
    for found in study.interactions():
        one, two = found.interaction.first, found.interaction.second
        names = f"{one.decision.name}: {one.alternative} + {two.decision.name}: {two.alternative}"
        seeds = str(found.effect.seeds) if found.effect else ""
        table.add_row(Text(names), describe_effect(found.effect), seeds, found.text)
    output.answer(table)


def _answer_shifts(study: Study, output: Output) -> None:
    shifts = study.shifts()
    if not shifts or not output.verbose:
        return
    output.answer(Text("\nAccuracy when the images are moved by so many pixels", "bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("arm", no_wrap=True)
    for pixels in range(len(shifts[0].accuracies)):
        table.add_column(str(pixels), justify="right")
    for row in shifts:
        table.add_row(Text(row.name), *(f"{100 * value:.1f}" for value in row.accuracies))
    output.answer(table)


def _answer_summary(study: Study, output: Output) -> None:
    rows = study.evidence(bootstrap=False)
    lines = [
        "\nΔ is choice minus alternative, on the validation split, trained on the same seeds; intervals are "
        + ("95% over all looks together (repeated, paired t)." if len(study.looks) > 1 else "95% (paired t).")
    ]
    lines += caveats(study)
    clear = [row for row in rows if row.verdict.kind in ("supported", "contradicted")]
    tests = sum(row.p_holm is not None for row in rows)
    if clear and tests > 1:
        firm = sum(row.p_holm is not None and row.p_holm < 0.05 for row in clear)
        remain = f"{count(len(clear), 'clear difference')} {plural(firm, 'remains', 'remain')}"
        lines.append(f"{firm} of {remain} after Holm's correction for {tests} tests.")
    lines.append(f"Every value: {study.path}")
    output.answer(Text("\n".join(lines)))


def answer_forecast(found: Forecast, output: Output) -> None:
    """Print what a study would take."""
    there = len(found.arms) * found.seeds - found.trials
    done = f", {there} of them done" if there else ""
    lines = [
        f"{found.trials} trials: {len(found.arms)} arms × {found.seeds} seeds{done}, {found.workers} at a time: about "
        f"{_duration(found.seconds)} on this machine."
    ]
    if found.most_trials > found.trials:
        lines.append(f"Until decided: at most {found.most_trials} trials, {_duration(found.most_seconds)}.")
    if found.detectable is not None:
        lines.append(
            f"With {count(found.seeds, 'seed')} this study has 80% power to detect {found.detectable:.2f} points, if "
            f"seed-to-seed variation is {found.deviation:.2g} points, as is usual with "
            f"{count(found.images, 'validation image')}."
        )
    slow = ", ".join(f"{arm.name} {_duration(arm.seconds)}" for arm in found.arms[:_SLOWEST])
    lines.append(f"The slowest trials: {slow}.")
    output.answer(Text("\n".join([*lines, *found.notes])))


def study_as_dict(study: Study) -> dict[str, Any]:
    """A study for a machine to read."""
    return {
        "study": str(study.path),
        "design": study.design.name,
        "recipe": study.recipe.name,
        "settings": study.settings.model_dump(mode="json"),
        "decisions": table_rows(study),
        "together": [
            {
                "first": f"{found.interaction.first.decision.name}/{found.interaction.first.alternative}",
                "second": f"{found.interaction.second.decision.name}/{found.interaction.second.alternative}",
                "beyond": found.effect.mean if found.effect else None,
                "low": found.effect.interval.low if found.effect else None,
                "high": found.effect.interval.high if found.effect else None,
                "verdict": found.text,
            }
            for found in study.interactions()
        ],
        "shifts": [asdict(row) for row in study.shifts()],
    }


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
