"""`muslin.analyze`: what can be known of a design without training it. No framework is imported."""

from __future__ import annotations

from pathlib import Path

from muslin.analysis import Analysis
from muslin.analysis import analyze as analyzed
from muslin.design import Design, load_baseline, load_design
from muslin.errors import DesignError
from muslin.evaluation.claims import require_measurable


def analyze(
    design: Design | str | Path = "custom_cnn",
    *,
    baseline: Design | str | Path | None = None,
    diagram: str | Path | None = None,
) -> Analysis:
    """Compute a design's shapes, parameters, MACs, memory and receptive fields, without training it.

    Args:
        design: a design, a name from the library, or a TOML file (default "custom_cnn").
        baseline: design whose parameters the design's are compared with, or "none" (default: the design's own
            baseline, else "dense_baseline").
        diagram: SVG file to draw the architecture to; None draws nothing.

    Raises:
        DesignError: the design or the baseline cannot be read, a claim is about nothing that can be measured, or
            `diagram` does not end in .svg.

    >>> analyze("custom_cnn").parameters
    93962
    """
    if diagram is not None and Path(diagram).suffix.lower() != ".svg":
        raise DesignError(f"{diagram}: the diagram is written as SVG. End the file's name in .svg.")
    chosen = design if isinstance(design, Design) else load_design(design)
    require_measurable(chosen)
    if not isinstance(baseline, Design):
        baseline = load_baseline(chosen, None if baseline is None else str(baseline))
    analysis = analyzed(chosen, baseline)
    if diagram is not None:
        from muslin._disk.files import write_text  # noqa: PLC0415  (only where something is drawn)
        from muslin.figures.architecture import architecture_svg  # noqa: PLC0415  (likewise)

        write_text(Path(diagram), architecture_svg(chosen))
    return analysis
