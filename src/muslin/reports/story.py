"""The contents of a report, read from a run folder."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from itertools import groupby

from muslin.ablation.justification import FILE, Justification, JustificationRow, load_justification
from muslin.analysis import Analysis, analyze
from muslin.data import Audit
from muslin.design import Conv2d, Design, Placed
from muslin.design.template import is_open
from muslin.evaluation import ClassReport, Confusion, Evaluation, Improvement, compare
from muslin.evaluation.claims import Checked
from muslin.evaluation.corruptions import Robustness
from muslin.interpret.exact_cam import pooled_layer
from muslin.recipe import load_recipe, recipes
from muslin.reports.comparison import Candidate, Line, compare_candidates
from muslin.reports.pictures import Pictures
from muslin.reports.repeat import Part, Repetition, parts, repetition, ships, study_repetition
from muslin.reports.training import Course, Setting, settings
from muslin.runs.claims import check_claims
from muslin.runs.folder import RunFolder
from muslin.runs.record import RunRecord

SPLITS = ("train", "validation", "test")


class Story:
    """The values of a run folder that the templates show, and those computed from them.

    Args:
        folder: the run folder; the baseline in it is read, too.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.pictures = Pictures(folder.figures_path)
        self.evidence_pictures = Pictures(folder.evidence_path)

    @property
    def record(self) -> RunRecord:
        """The run's recipe, seed, data, environment and outcome."""
        return self.folder.record

    @property
    def design(self) -> Design:
        """The trained design."""
        return self.folder.design

    @property
    def audit(self) -> Audit:
        """The data audit."""
        return self.record.data.audit

    @property
    def images(self) -> dict[str, int]:
        """Number of images in each split."""
        return {name: sum(self.audit.counts[name]) for name in SPLITS}

    @cached_property
    def analysis(self) -> Analysis:
        """The design's static analysis, compared with the baseline if one was trained."""
        baseline = self.folder.baseline
        return analyze(self.design, baseline.design if baseline else None)

    @property
    def evaluation(self) -> Evaluation | None:
        """The results on the test split; None if the run was not evaluated."""
        return self.folder.evaluation

    @property
    def guessing(self) -> float | None:
        """Accuracy of always predicting the most frequent class; None if the network is clearly better."""
        test = self.evaluation
        if test is None:
            return None
        guessed = max(report.support for report in test.per_class) / len(test.labels)
        return guessed if test.accuracy_interval.low <= guessed else None

    @property
    def temperature(self) -> dict[str, float] | None:
        """The fitted temperature and what it does; None for runs that were evaluated by Muslin 0.1."""
        return (self.folder.measured or {}).get("temperature")

    @property
    def robustness(self) -> Robustness | None:
        """Accuracy on corrupted test images; None for runs that were evaluated by Muslin 0.1."""
        return self.folder.robustness

    @property
    def recipe_reason(self) -> str:
        """The recipe's reason; empty if the run's recipe is not the one that the library gives this reason for."""
        recipe = self.record.recipe
        if recipe.name not in recipes():
            return recipe.because
        own = load_recipe(recipe.name).settled(mirror=bool(recipe.augmentation.flip))
        return recipe.because if recipe == own.with_(because=recipe.because) else ""

    @cached_property
    def itself(self) -> Candidate:
        """The design's side of the comparison."""
        return Candidate(self.design, self.analysis, _course(self.folder), self.evaluation)

    @cached_property
    def baseline(self) -> Candidate | None:
        """The baseline's side of the comparison; None if no baseline was trained."""
        folder = self.folder.baseline
        if folder is None:
            return None
        return Candidate(folder.design, analyze(folder.design), _course(folder), folder.evaluation)

    @property
    def course(self) -> Course:
        """The design's training."""
        return self.itself.course

    @cached_property
    def improvement(self) -> Improvement | None:
        """The paired difference in test accuracy from the baseline; None if either was not evaluated."""
        if self.evaluation is None or self.baseline is None or self.baseline.evaluation is None:
            return None
        return compare(self.evaluation, self.baseline.evaluation)

    @property
    def comparison(self) -> tuple[Line, ...]:
        """The comparison with the baseline; empty if none was trained."""
        return compare_candidates(self.itself, self.baseline) if self.baseline else ()

    @property
    def claims(self) -> tuple[Checked, ...]:
        """The design's claims, checked against this run's measurements."""
        return check_claims(self.folder)

    @property
    def shipped(self) -> bool:
        """Whether the design is one that ships with Muslin, unchanged."""
        return ships(self.design)

    @cached_property
    def evidence(self) -> Justification | None:
        """The results of a study of the design's decisions; None if the run holds none."""
        place = self.folder.evidence_path
        return load_justification(place) if (place / FILE).exists() else None

    @property
    def evidence_by_decision(self) -> list[tuple[str, list[JustificationRow]]]:
        """The study's rows, grouped by decision."""
        rows = self.evidence.rows if self.evidence else ()
        return [(name, list(some)) for name, some in groupby(rows, lambda row: row.decision)]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The recipe's settings."""
        return settings(self.record.recipe, self.design)

    @property
    def usual_epochs(self) -> int | None:
        """Epochs of the shipped recipe of that name; None if the run has as many, or Muslin ships no such recipe."""
        recipe = self.record.recipe
        if recipe.name not in recipes():
            return None
        known = load_recipe(recipe.name).epochs
        return known if known != recipe.epochs else None

    @property
    def convolutions(self) -> tuple[Placed, ...]:
        """The convolutions with their input and output shapes."""
        return tuple(placed for placed in self.design.placed if isinstance(placed.layer, Conv2d))

    @property
    def open_reasons(self) -> int:
        """Number of missing reasons, of the design and of its layers."""
        return sum(map(is_open, (self.design.because, *(layer.because for layer in self.design.layers))))

    @property
    def exact_maps(self) -> bool:
        """Whether the class activation maps are exact; otherwise they are Grad-CAM maps."""
        return pooled_layer(self.design) is not None

    @property
    def by_recall(self) -> tuple[ClassReport, ...]:
        """The classes of the test split, lowest recall first."""
        reports = self.evaluation.per_class if self.evaluation else ()
        return tuple(sorted((report for report in reports if report.support), key=lambda report: report.recall))

    @property
    def hardest(self) -> tuple[ClassReport, ...]:
        """The classes with the lowest recall: one, or several that tie."""
        return tuple(report for report in self.by_recall if report.recall == self.by_recall[0].recall)

    @property
    def easiest(self) -> tuple[ClassReport, ...]:
        """The classes with the highest recall: one, or several that tie."""
        return tuple(report for report in self.by_recall if report.recall == self.by_recall[-1].recall)

    @cached_property
    def mistakes(self) -> tuple[Confusion, ...]:
        """The most frequent confusions: one, or several that tie."""
        confusions = self.evaluation.top_confusions(len(self.evaluation.labels)) if self.evaluation else ()
        return tuple(confusion for confusion in confusions if confusion.images == confusions[0].images)

    @property
    def verdicts(self) -> Counter[str]:
        """Number of claims with each verdict."""
        return Counter(row.verdict for row in self.claims)

    @property
    def repetition(self) -> Repetition:
        """The command that reproduces the run."""
        return repetition(self.folder)

    @property
    def study_repetition(self) -> Repetition | None:
        """The command that reproduces the study; None if there is no study or the run does not determine it."""
        return study_repetition(self.folder, self.evidence) if self.evidence else None

    @property
    def parts(self) -> tuple[Part, ...]:
        """The files in the run folder."""
        return parts(self.folder)


def _course(folder: RunFolder) -> Course:
    images = sum(folder.record.data.audit.counts["train"])
    return Course(folder.record.recipe, folder.history, folder.record.outcome, images)
