"""Everything that a report tells, read from a run folder."""

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
from muslin.evaluation.claims import Checked, Facts, check
from muslin.interpret.exact_cam import pooled_layer
from muslin.reports.comparison import Candidate, Line, compare_candidates
from muslin.reports.pictures import Pictures
from muslin.reports.repeat import Part, Repetition, parts, repetition, study_repetition
from muslin.reports.training import Course, Setting, settings
from muslin.runs.folder import RunFolder
from muslin.runs.record import RunRecord

SPLITS = ("train", "validation", "test")


class Story:
    """What the templates tell: the values of one run folder, and what is computed from them.

    Args:
        folder: a run; its baseline is read from it as well, if one was trained.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.pictures = Pictures(folder.figures_path)
        self.evidence_pictures = Pictures(folder.evidence_path)

    @property
    def record(self) -> RunRecord:
        """Recipe, seed, data, environment and outcome."""
        return self.folder.record

    @property
    def design(self) -> Design:
        """What was trained."""
        return self.folder.design

    @property
    def audit(self) -> Audit:
        """What was found when the data were looked over."""
        return self.record.data.audit

    @property
    def images(self) -> dict[str, int]:
        """Images in each split."""
        return {name: sum(self.audit.counts[name]) for name in SPLITS}

    @cached_property
    def analysis(self) -> Analysis:
        """The design's static figures, against the baseline's if one was trained."""
        baseline = self.folder.baseline
        return analyze(self.design, baseline.design if baseline else None)

    @property
    def evaluation(self) -> Evaluation | None:
        """The answers on the test split, if it was opened."""
        return self.folder.evaluation

    @property
    def guessing(self) -> float | None:
        """Accuracy of always naming the most frequent class, where the network's is not clearly above it."""
        test = self.evaluation
        if test is None:
            return None
        guessed = max(report.support for report in test.per_class) / len(test.labels)
        return guessed if test.accuracy_interval.low <= guessed else None

    @cached_property
    def itself(self) -> Candidate:
        """The design, ready to be compared."""
        return Candidate(self.design, self.analysis, _course(self.folder), self.evaluation)

    @cached_property
    def baseline(self) -> Candidate | None:
        """The baseline, ready to be compared, if one was trained."""
        folder = self.folder.baseline
        if folder is None:
            return None
        return Candidate(folder.design, analyze(folder.design), _course(folder), folder.evaluation)

    @property
    def course(self) -> Course:
        """How training went."""
        return self.itself.course

    @cached_property
    def improvement(self) -> Improvement | None:
        """Test accuracy against the baseline's, image by image."""
        if self.evaluation is None or self.baseline is None or self.baseline.evaluation is None:
            return None
        return compare(self.evaluation, self.baseline.evaluation)

    @property
    def comparison(self) -> tuple[Line, ...]:
        """The design beside its baseline."""
        return compare_candidates(self.itself, self.baseline) if self.baseline else ()

    @property
    def claims(self) -> tuple[Checked, ...]:
        """What the design says of itself, held against what this run measured."""
        facts = Facts(
            self.analysis,
            training_images=self.images["train"],
            evaluation=self.evaluation,
            baseline=self.baseline.evaluation if self.baseline else None,
        )
        return check(self.design, facts)

    @cached_property
    def evidence(self) -> Justification | None:
        """What a study found out about the design's decisions, if the run holds one."""
        place = self.folder.evidence_path
        return load_justification(place) if (place / FILE).exists() else None

    @property
    def evidence_by_decision(self) -> list[tuple[str, list[JustificationRow]]]:
        """The study's rows, decision by decision."""
        rows = self.evidence.rows if self.evidence else ()
        return [(name, list(some)) for name, some in groupby(rows, lambda row: row.decision)]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The recipe as a table."""
        return settings(self.record.recipe, self.design)

    @property
    def convolutions(self) -> tuple[Placed, ...]:
        """The convolutions, with the shapes around them."""
        return tuple(placed for placed in self.design.placed if isinstance(placed.layer, Conv2d))

    @property
    def open_reasons(self) -> int:
        """How many reasons have yet to be given: for the design and for each layer."""
        return sum(map(is_open, (self.design.because, *(layer.because for layer in self.design.layers))))

    @property
    def exact_maps(self) -> bool:
        """Whether the class activation maps are exact and not Grad-CAM's."""
        return pooled_layer(self.design) is not None

    @property
    def by_recall(self) -> tuple[ClassReport, ...]:
        """The classes that the test split has, the hardest first."""
        reports = self.evaluation.per_class if self.evaluation else ()
        return tuple(sorted((report for report in reports if report.support), key=lambda report: report.recall))

    @property
    def hardest(self) -> tuple[ClassReport, ...]:
        """The classes of the lowest recall: one, unless some are equal."""
        return tuple(report for report in self.by_recall if report.recall == self.by_recall[0].recall)

    @property
    def easiest(self) -> tuple[ClassReport, ...]:
        """The classes of the highest recall: one, unless some are equal."""
        return tuple(report for report in self.by_recall if report.recall == self.by_recall[-1].recall)

    @cached_property
    def mistakes(self) -> tuple[Confusion, ...]:
        """The most frequent mistakes: one, unless some are equal."""
        confusions = self.evaluation.top_confusions(len(self.evaluation.labels)) if self.evaluation else ()
        return tuple(confusion for confusion in confusions if confusion.images == confusions[0].images)

    @property
    def verdicts(self) -> Counter[str]:
        """How many claims got which verdict."""
        return Counter(row.verdict for row in self.claims)

    @property
    def repetition(self) -> Repetition:
        """How to do the run again."""
        return repetition(self.folder)

    @property
    def study_repetition(self) -> Repetition | None:
        """How to do the study of the decisions again, if the run holds one and can tell."""
        return study_repetition(self.folder, self.evidence) if self.evidence else None

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is in the folder."""
        return parts(self.folder)


def _course(folder: RunFolder) -> Course:
    images = sum(folder.record.data.audit.counts["train"])
    return Course(folder.record.recipe, folder.history, folder.record.outcome, images)
