"""The justification table as text: CSV, Markdown, LaTeX; and its rows as plain values.

Names and reasons come from a file that somebody wrote. In every format they are text and nothing else: a spreadsheet
computes no formula from them, a browser runs no script, LaTeX no command.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from muslin.ablation.justification import JustificationRow
from muslin.ablation.statistics import Effect
from muslin.trials.trial import SHIFTS

if TYPE_CHECKING:
    from muslin.ablation.findings import Evidence
    from muslin.ablation.study import Study

MINUS = "−"
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
    "Δ accuracy, points [95 %]",
    "n",
    "Δ parameters",
    "Δ MACs",
    "Δ time",
    "Δ latency",
    "verdict",
    "because",
)
_NUMBERS = ("n", "Δ parameters", "Δ MACs", "Δ time", "Δ latency")


def justification_rows(study: Study) -> tuple[JustificationRow, ...]:
    """The table in words, a row for each alternative."""
    return tuple(_worded(row) for row in study.evidence(bootstrap=False))


def table_rows(study: Study) -> list[dict[str, object]]:
    """The table in numbers, a row for each alternative; None where nothing was measured."""
    return [_numbers(row, study) for row in study.evidence()]


def trial_rows(study: Study) -> list[dict[str, object]]:
    """Every trial, with every seed's value."""
    rows: list[dict[str, object]] = []
    names: dict[str, str] = {}
    for evidence in study.evidence(bootstrap=False):
        contrast = evidence.contrast
        names.setdefault(contrast.chosen.key, f"{contrast.decision.name}: {contrast.decision.chosen}")
        names.setdefault(contrast.other.key, f"{contrast.decision.name}: {evidence.alternative}")
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
        shifts = result.shifts if result else (None,) * len(SHIFTS)
        row |= {f"shift_{pixels}": value for pixels, value in zip(SHIFTS, shifts, strict=True)}
        rows.append(row | {"cause": kept.cause, "attempts": kept.attempts, "finished": kept.finished})
    return rows


def to_csv(study: Study) -> str:
    """The table in numbers, for a spreadsheet."""
    rows = table_rows(study)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else HEADS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def to_markdown(study: Study) -> str:
    """The table in words, as Markdown."""
    rows = [[_markdown(cell) for cell in row[: len(HEADS)]] for row in justification_rows(study)]
    line = "|" + "|".join("---:" if name in _NUMBERS else "---" for name in HEADS) + "|"
    return "\n".join([_piped(HEADS), line, *map(_piped, rows)]) + "\n"


def to_latex(study: Study) -> str:
    """The table in words, as a LaTeX tabular for the booktabs package, without the reasons."""
    rows = [[_latex(cell) for cell in row[: len(HEADS) - 1]] for row in justification_rows(study)]
    heads = [_latex(head) for head in HEADS[:-1]]
    lines = [r"\begin{tabular}{lllrrrrrrl}", r"\toprule", " & ".join(heads) + r" \\", r"\midrule"]
    lines += [" & ".join(row) + r" \\" for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def describe_effect(effect: Effect | None) -> str:
    """A difference with its interval.

    >>> from muslin.ablation.statistics import paired_effect
    >>> describe_effect(paired_effect([-0.1, 0.2, 0.1]))
    '+0.07 [−0.31, +0.45]'
    """
    if effect is None:
        return ""
    low, high = effect.interval
    return f"{signed(effect.mean)} [{signed(low)}, {signed(high)}]"


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, rounded; zero has none.

    >>> signed(-0.123), signed(0.001)
    ('−0.12', '0.00')
    """
    text = f"{value:+.{digits}f}"
    if float(text) == 0:
        return text[1:]
    return text.replace("-", MINUS)


def describe_ratio(ratio: float | None) -> str:
    """A cost against another, as people say it.

    >>> describe_ratio(0.5), describe_ratio(1.0), describe_ratio(3.2), describe_ratio(None)
    ('−50 %', '0 %', '×3.2', '')
    """
    if ratio is None:
        return ""
    if ratio >= 2:
        return f"×{ratio:.1f}" if ratio < 100 else f"×{ratio:.0f}"
    return f"{signed(100 * (ratio - 1), 0 if abs(ratio - 1) >= 0.095 or ratio == 1 else 1)} %"


def caveats(study: Study) -> tuple[str, ...]:
    """What the intervals of a study leave out, in sentences."""
    if study.settings.vary_split:
        return ()
    return (
        "Every seed is judged on the same validation images: the intervals are for the luck of the seeds, not for that "
        "of these images.",
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


def _numbers(row: Evidence, study: Study) -> dict[str, object]:
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
    """A cell of a CSV file; text that a spreadsheet would take for a formula gets a quote before it."""
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
