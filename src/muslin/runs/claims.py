"""A run's claims, checked against what its folder holds."""

from __future__ import annotations

from muslin.analysis import analyze
from muslin.evaluation.claims import CheckedClaims, check
from muslin.evaluation.measures import Facts
from muslin.runs.folder import RunFolder


def facts_of(folder: RunFolder, baseline: RunFolder | None = None) -> Facts:
    """Return everything that a run's folder knows about its design: static figures, images and test results.

    Args:
        folder: folder of the run.
        baseline: folder of the baseline's run (default: the one that was trained beside the run, if any).
    """
    baseline = baseline or folder.baseline
    return Facts(
        analyze(folder.design, baseline.design if baseline else None),
        training_images=sum(folder.record.data.audit.counts["train"]),
        evaluation=folder.evaluation,
        baseline=baseline.evaluation if baseline else None,
        robustness=folder.robustness,
    )


def check_claims(folder: RunFolder, baseline: RunFolder | None = None) -> CheckedClaims:
    """Check the claims of a run's design against the run's measurements.

    Args:
        folder: folder of the run.
        baseline: folder of the baseline's run (default: the one that was trained beside the run, if any).

    Raises:
        DesignError: a claim names a measure that does not exist.
        RunError: a file of the run is damaged.
    """
    return CheckedClaims(check(folder.design, facts_of(folder, baseline)))
