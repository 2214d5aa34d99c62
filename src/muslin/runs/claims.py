"""A run's claims, checked against what its folder holds."""

from __future__ import annotations

from muslin.analysis import analyze
from muslin.evaluation.claims import Checked, Facts, check
from muslin.runs.folder import RunFolder


def facts_of(folder: RunFolder) -> Facts:
    """Return everything that a run's folder knows about its design: static figures, images and test results."""
    baseline = folder.baseline
    return Facts(
        analyze(folder.design, baseline.design if baseline else None),
        training_images=sum(folder.record.data.audit.counts["train"]),
        evaluation=folder.evaluation,
        baseline=baseline.evaluation if baseline else None,
    )


def check_claims(folder: RunFolder) -> tuple[Checked, ...]:
    """Check the claims of a run's design against the run's measurements.

    Raises:
        DesignError: a claim names a measure that does not exist.
        RunError: a file of the run is damaged.
    """
    return check(folder.design, facts_of(folder))
