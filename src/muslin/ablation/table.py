"""The justification table as text (CSV, Markdown, LaTeX) and its rows as plain values.

Names and reasons come from a design file of unknown origin. In every format they remain text: a spreadsheet computes no
formula from them, a browser runs no script, LaTeX no command.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from muslin.ablation.conclusions import evidence, shifts
from muslin.ablation.findings import Evidence
from muslin.ablation.justification import JustificationRow
from muslin.ablation.records import StudyRecords
from muslin.ablation.words import describe_effect, describe_ratio
from muslin.trials.trial import SHIFTS

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "×": r"$\times$",
    "−": r"$-$",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
    "≤": r"$\leq$",
}
HEADS = (
    "decision",
    "chosen",
    "alternative",
    "Δ accuracy, points [95%]",
    "n",
    "Δ parameters",
    "Δ MACs",
    "Δ time",
    "Δ latency",
    "verdict",
    "because",
)
_NUMBERS = ("n", "Δ parameters", "Δ MACs", "Δ time", "Δ latency")


def justification_rows(study: StudyRecords) -> tuple[JustificationRow, ...]:
    """Return the table in words, one row for each alternative."""
    return tuple(_worded(row) for row in evidence(study, bootstrap=False))


def table_rows(study: StudyRecords) -> list[dict[str, object]]:
    """Return the table in numbers, one row for each alternative; None where nothing was measured."""
    return [_numbers(row, study) for row in evidence(study)]


def trial_rows(study: StudyRecords) -> list[dict[str, object]]:
    """Return every trial, one row for each arm and seed."""
    rows: list[dict[str, object]] = []
    names: dict[str, str] = {}
    for found in evidence(study, bootstrap=False):
        contrast = found.contrast
        names.setdefault(contrast.chosen.key, f"{contrast.decision.name}: {contrast.decision.chosen}")
        names.setdefault(contrast.other.key, f"{contrast.decision.name}: {found.alternative}")
    for kept in study.store.trials().values():
        result = kept.result
        row: dict[str, object] = {
            "trial": kept.key,
            "arm": kept.arm,
            "named": names.get(kept.arm, ""),
            "seed": kept.seed,
            "accuracy": result.accuracy if result else None,
            "loss": result.loss if result else None,
            "seconds": result.seconds if result else None,
            "epochs": result.epochs if result else None,
        }
        shifted = result.shifts if result else (None,) * len(SHIFTS)
        row |= {f"shift_{pixels}": value for pixels, value in zip(SHIFTS, shifted, strict=True)}
        rows.append(row | {"cause": kept.cause, "attempts": kept.attempts, "finished": kept.finished})
    return rows


def shift_columns(study: StudyRecords) -> dict[str, list[object]]:
    """Return the accuracy on shifted images as columns: arm, seeds, and one for each shift in pixels."""
    rows = shifts(study)
    columns: dict[str, list[object]] = {"arm": [row.name for row in rows], "seeds": [row.seeds for row in rows]}
    return columns | {f"shift_{pixels}": [row.accuracies[i] for row in rows] for i, pixels in enumerate(SHIFTS)}


def to_csv(study: StudyRecords) -> str:
    """Return the table in numbers as CSV."""
    rows = table_rows(study)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else HEADS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def to_markdown(study: StudyRecords) -> str:
    """Return the table in words as Markdown."""
    rows = [[_markdown(cell) for cell in row[: len(HEADS)]] for row in justification_rows(study)]
    line = "|" + "|".join("---:" if name in _NUMBERS else "---" for name in HEADS) + "|"
    return "\n".join([_piped(HEADS), line, *map(_piped, rows)]) + "\n"


def to_latex(study: StudyRecords) -> str:
    """Return the table in words as a LaTeX tabular for the booktabs package, without the reasons."""
    rows = [[_latex(cell) for cell in row[: len(HEADS) - 1]] for row in justification_rows(study)]
    heads = [_latex(head) for head in HEADS[:-1]]
    lines = [r"\begin{tabular}{lllrrrrrrl}", r"\toprule", " & ".join(heads) + r" \\", r"\midrule"]
    lines += [" & ".join(row) + r" \\" for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def caveats(study: StudyRecords) -> tuple[str, ...]:
    """Return what the confidence intervals of a study do not cover, in sentences."""
    if study.settings.vary_split:
        return ()
    return (
        "All seeds share the same validation images: the intervals reflect seed-to-seed variation, not the choice of "
        "these images.",
    )


def _worded(row: Evidence) -> JustificationRow:
    decision, ratios = row.contrast.decision, row.chosen.ratios(row.other)
    return JustificationRow(
        decision=decision.name,
        chosen=decision.chosen,
        alternative=row.alternative,
        effect=describe_effect(row.effect),
        seeds=str(row.effect.seeds) if row.effect else "",
        parameters=describe_ratio(ratios.get("parameters")),
        macs=describe_ratio(ratios.get("MACs")),
        time=describe_ratio(ratios.get("training time")),
        latency=describe_ratio(ratios.get("latency")),
        verdict=row.verdict.text,
        because=" ".join(decision.because.split()),
        kind=row.verdict.kind,
    )


def _numbers(row: Evidence, study: StudyRecords) -> dict[str, object]:
    contrast, effect = row.contrast, row.effect
    chosen, other = study.results(contrast.chosen), study.results(contrast.other)

    def mean(results: Iterable[float]) -> float | None:
        values = list(results)
        return sum(values) / len(values) if values else None

    bootstrap = effect.bootstrap if effect else None
    return {
        "decision": contrast.decision.name,
        "chosen": contrast.decision.chosen,
        "alternative": contrast.alternative,
        "matched": contrast.matched,
        "seeds": effect.seeds if effect else 0,
        "accuracy_chosen": mean(result.accuracy for result in chosen.values()),
        "accuracy_alternative": mean(result.accuracy for result in other.values()),
        "difference": effect.mean if effect else None,
        "low": effect.interval.low if effect else None,
        "high": effect.interval.high if effect else None,
        "bootstrap_low": bootstrap.low if bootstrap else None,
        "bootstrap_high": bootstrap.high if bootstrap else None,
        "p": effect.p if effect else None,
        "p_holm": row.p_holm,
        "loss_difference": row.loss.mean if row.loss else None,
        "loss_low": row.loss.interval.low if row.loss else None,
        "loss_high": row.loss.interval.high if row.loss else None,
        "parameters_chosen": row.chosen.parameters,
        "parameters_alternative": row.other.parameters,
        "macs_chosen": row.chosen.macs,
        "macs_alternative": row.other.macs,
        "seconds_chosen": row.chosen.seconds,
        "seconds_alternative": row.other.seconds,
        "latency_chosen": row.chosen.latency,
        "latency_alternative": row.other.latency,
        "verdict": row.verdict.kind,
        "verdict_text": row.verdict.text,
        "more_seeds": row.verdict.more_seeds,
        "differences": " ".join(f"{value:.4f}" for value in effect.differences) if effect else "",
        "because": " ".join(contrast.decision.because.split()),
    }


def _cell(value: object) -> object:
    """Return a cell of a CSV file; text that a spreadsheet would read as a formula starts with a quote."""
    if not isinstance(value, str):
        return value
    if value.startswith(_FORMULA) and not re.fullmatch(r"-?\d+\.\d+( -?\d+\.\d+)*", value):
        return f"'{value}"
    return value


def _markdown(text: str) -> str:
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|!#])", r"\\\1", text)


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
