"""What a study keeps: its decisions, and what was trained, measured and spent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Self

from muslin._words import count
from muslin.ablation.plan import Plan
from muslin.ablation.settings import StudySettings
from muslin.ablation.statistics import level
from muslin.ablation.verdict import Costs
from muslin.analysis import Analysis, analyze
from muslin.data import Dataset, Reading
from muslin.data.source import Source
from muslin.design import Design, format_design, parse_design
from muslin.engine import Precision
from muslin.engine.machine import pick_device, pick_precision
from muslin.errors import RunError
from muslin.recipe import Recipe
from muslin.trials.arm import Arm
from muslin.trials.store import FILE, Row, Store
from muslin.trials.trial import Result, Trial


class StudyRecords:
    """The records of a study on disk, from which conclusions and tables are computed.

    Args:
        store: file of the study.
        settings: settings in place of those in the file (default None: those in the file).

    Attributes:
        path: folder of the study.
        design: design whose decisions are measured.
        recipe: recipe that every arm is trained with, edited where an alternative says so.
        settings: settings of the study.
        fingerprint: SHA-256 of the images.
        images: number of validation images.
        source: where the images came from.
        sample: whether they are the sample that ships with Muslin.
        plan: arms to train and the comparisons between them.

    Raises:
        RunError: the file holds no study, or is damaged.
        DesignError, RecipeError: the decisions do not fit the design or the recipe.
    """

    def __init__(self, store: Store, settings: StudySettings | None = None) -> None:
        texts = {name: store.get(name) for name in ("design", "recipe", "settings", "fingerprint", "images")}
        missing = [name for name, text in texts.items() if text is None]
        if missing:
            raise RunError(f"{store.path} holds no study yet: {', '.join(missing)} missing. Start the study again.")
        self.store = store
        self.path = store.path.parent
        self.design: Design = parse_design(texts["design"] or "", str(store.path))
        try:
            self.recipe = Recipe.model_validate_json(texts["recipe"] or "")
            self.settings = settings or StudySettings.model_validate_json(texts["settings"] or "")
            self.images = int(texts["images"] or 0)
            self.source = Source.parse(store.get("source") or "")
        except ValueError as error:
            raise RunError(f"{store.path} is damaged: {str(error).splitlines()[0]:.200}. Start a new study.") from error
        self.fingerprint = texts["fingerprint"] or ""
        self.sample = store.get("sample") == "true"
        self.reading = Reading.model_validate_json(store.get("reading") or "{}")
        names = json.loads(store.get("class_names") or "null")
        self.class_names: tuple[str, ...] | None = tuple(names) if names else None
        self.plan: Plan = self.settings.plan(self.design, self.recipe)

    def __repr__(self) -> str:
        arms, seeds = count(len(self.plan.arms), "arm"), count(self.settings.looks[-1], "seed")
        return f"{type(self).__name__}({self.design.name}, recipe {self.recipe.name}, {arms}, {seeds}, in {self.path})"

    @classmethod
    def create(cls, folder: Path, design: Design, recipe: Recipe, data: Dataset, settings: StudySettings) -> Self:
        """Start a study.

        Args:
            folder: folder of the study; created if missing.
            design: design with decisions.
            recipe: recipe that every arm is trained with.
            data: images; the test split is not used.
            settings: settings of the study.

        Returns:
            The study, without any trial.

        Raises:
            DesignError, RecipeError: the decisions do not fit the design or the recipe.
            TrainingError: the processor does not support the precision.
        """
        settings.plan(design, recipe)  # raises before any file is written
        settings = _with_precision(settings)
        folder.mkdir(parents=True, exist_ok=True)
        store = Store(folder / FILE, create=True)
        store.put("design", format_design(design))
        store.put("recipe", recipe.model_dump_json())
        store.put("settings", settings.model_dump_json())
        store.put("fingerprint", data.fingerprint)
        # The official files are the same everywhere, and a study may be published: no path of this machine.
        source = Source(kind="official") if data.audit.verified else data.source
        store.put("source", source.model_dump_json())
        store.put("images", str(len(data.validation)))
        store.put("sample", str(data.audit.train_release == "sample").lower())
        found = data.scaling
        reading = data.reading.model_copy(update={"pixel_range": (found.low, found.high)})
        store.put("reading", reading.model_dump_json())
        store.put("class_names", json.dumps(data.class_names))
        return cls(store)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a study that was started before.

        Args:
            path: folder of the study, or the file in it.

        Returns:
            The study, as it stands.

        Raises:
            RunError: there is no study, or it is damaged.
        """
        place = Path(path)
        return cls(Store(place / FILE if place.is_dir() else place))

    def changed(self, settings: StudySettings) -> Self:
        """Return the same study with other settings, such as more seeds; `keep` writes them.

        Args:
            settings: the new settings.

        Raises:
            DesignError, RecipeError: the decisions do not fit the design or the recipe.
            TrainingError: the processor does not support the precision.
        """
        return type(self)(self.store, _with_precision(settings))

    def keep(self) -> None:
        """Write the settings and the arms; called before the first trial with these settings."""
        earlier = StudySettings.model_validate_json(self.store.get("settings") or "")
        if (earlier.vary_split, earlier.precision) != (self.settings.vary_split, self.settings.precision):
            self.store.put("looks", "[]")  # every trial will be a new one
        self.store.put("settings", self.settings.model_dump_json())
        for arm in self.plan.arms:
            figures = self._figures[arm.key]
            self.store.add_arm(arm, figures.parameters, figures.macs)

    def looked(self, seeds: int) -> None:
        """Write that verdicts were computed when every open arm had `seeds` seeds."""
        self.store.put("looks", json.dumps(sorted({*self._earlier_looks, seeds})))

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of seeds at which verdicts were computed so far, or will be with these settings."""
        return tuple(sorted({*self._earlier_looks, *self.settings.looks}))

    @property
    def alpha(self) -> float:
        """One minus the confidence level of every interval; smaller with several interim looks."""
        return level(self.looks)

    @property
    def resolution(self) -> float:
        """Smallest step of an accuracy, one validation image, in points."""
        return 100 / self.images

    @cached_property
    def precision(self) -> Precision:
        """Precision of matrix products in every trial."""
        return pick_precision(pick_device("cpu"), self.settings.precision)

    def require_same(self, data: Dataset) -> None:
        """Check that `data` holds the images that the study was started with.

        Raises:
            RunError: it does not.
        """
        if data.fingerprint != self.fingerprint:
            raise RunError(
                f"the study {self.path} was started with other images ({self.source}) than these "
                f"({data.source}). Pass the study's own images with --data or --sample."
            )

    def trial(self, arm: Arm, seed: int) -> Trial:
        """Return the trial of an arm with a seed."""
        return Trial(arm, seed, self.fingerprint, self.settings.vary_split, self.precision)

    def record(self, trial: Trial, result: Result | None, cause: str | None, attempts: int) -> Row:
        """Write the result of a trial.

        Args:
            trial: the finished trial.
            result: its measurements; None if it never came back.
            cause: why it failed; None if it did not.
            attempts: how many times it was started.

        Returns:
            The trial as it is kept.
        """
        self.store.add_trial(trial, result, cause, attempts)
        self.__dict__.pop("_done", None)
        return self._done[trial.key]

    def found(self, arm: Arm, seed: int) -> Row | None:
        """Return the finished trial of an arm with a seed; None if it is not finished."""
        return self._done.get(self.trial(arm, seed).key)

    def results(self, arm: Arm) -> dict[int, Result]:
        """Return the measurements of an arm's successful trials, by seed."""
        return {seed: row.result for seed, row in self._rows(arm) if row.result is not None}

    def failures(self, arm: Arm) -> list[str]:
        """Return the cause of each failed trial of an arm."""
        return [row.cause for _, row in self._rows(arm) if row.cause is not None]

    def costs(self) -> dict[str, Costs]:
        """Return the cost of every arm, by the arm's key."""
        latencies = {key: row.latency for key, row in self.store.arms().items()}
        return {arm.key: self._costs(arm, latencies.get(arm.key)) for arm in self.plan.arms}

    def close(self) -> None:
        """Close the file."""
        self.store.close()

    @property
    def _earlier_looks(self) -> list[int]:
        earlier: list[int] = json.loads(self.store.get("looks") or "[]")
        return earlier

    @cached_property
    def _figures(self) -> dict[str, Analysis]:
        return {arm.key: analyze(arm.design) for arm in self.plan.arms}

    @cached_property
    def _done(self) -> dict[str, Row]:
        return self.store.trials()

    def _rows(self, arm: Arm) -> Iterator[tuple[int, Row]]:
        for seed in range(self.settings.looks[-1]):
            row = self.found(arm, seed)
            if row is not None:
                yield seed, row

    def _costs(self, arm: Arm, latency: float | None) -> Costs:
        figures = self._figures[arm.key]
        seconds = (result.seconds for result in self.results(arm).values())
        # The minimum, because other processes can only add to the time.
        return Costs(figures.parameters, figures.macs, min(seconds, default=None), latency)


def _with_precision(settings: StudySettings) -> StudySettings:
    """Write the precision that this machine chooses into the settings, so that every machine finds the same trials."""
    return settings.model_copy(update={"precision": pick_precision(pick_device("cpu"), settings.precision)})
