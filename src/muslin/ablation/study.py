"""A study: decisions, trials and what they say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from muslin.ablation import conclusions
from muslin.ablation.findings import Evidence, Shifted, Together
from muslin.ablation.plan import Plan
from muslin.ablation.settings import Settings
from muslin.ablation.statistics import level
from muslin.ablation.verdict import Costs
from muslin.analysis import Analysis, analyze
from muslin.data import Dataset
from muslin.design import Design, format_design, parse_design
from muslin.engine import Precision
from muslin.engine.machine import pick_device, pick_precision
from muslin.errors import RunError
from muslin.recipe import Recipe
from muslin.trials.arm import Arm
from muslin.trials.store import FILE, Row, Store
from muslin.trials.trial import SHIFTS, Result, Trial

if TYPE_CHECKING:
    import polars as pl


class Study:
    """A study on disk, as it stands. `muslin.ablate` makes and fills one; `Study.open` reads one.

    Attributes:
        path: its folder.
        design: whose decisions are measured.
        recipe: that trains.
        settings: how.
        fingerprint: of the data.
        images: in the validation split.
        source: where the images came from, in words.
        sample: whether they are the sample that ships with Muslin.
        plan: what is trained and compared.
    """

    def __init__(self, store: Store, settings: Settings | None = None) -> None:
        texts = {name: store.get(name) for name in ("design", "recipe", "settings", "fingerprint", "images")}
        missing = [name for name, text in texts.items() if text is None]
        if missing:
            raise RunError(f"{store.path} holds no study yet: {', '.join(missing)} missing. Start it again.")
        self.store = store
        self.path = store.path.parent
        self.design: Design = parse_design(texts["design"] or "", str(store.path))
        self.recipe = Recipe.model_validate_json(texts["recipe"] or "")
        self.settings = settings or Settings.model_validate_json(texts["settings"] or "")
        self.fingerprint = texts["fingerprint"] or ""
        self.images = int(texts["images"] or 0)
        self.source = store.get("source") or ""
        self.sample = store.get("sample") == "true"
        self.plan: Plan = self.settings.plan(self.design, self.recipe)

    @classmethod
    def create(cls, folder: Path, design: Design, recipe: Recipe, data: Dataset, settings: Settings) -> Study:
        """Begin a study in `folder`.

        Raises:
            DesignError, RecipeError: the decisions don't fit the design or the recipe.
        """
        settings.plan(design, recipe)  # before any file
        folder.mkdir(parents=True, exist_ok=True)
        store = Store(folder / FILE, create=True)
        store.put("design", format_design(design))
        store.put("recipe", recipe.model_dump_json())
        store.put("settings", _settled(settings).model_dump_json())
        store.put("fingerprint", data.fingerprint)
        verified = "the official release of Fashion-MNIST, verified"  # wherever it lies
        store.put("source", verified if data.audit.verified else data.source)
        store.put("images", str(len(data.validation)))
        store.put("sample", str(data.audit.train_release == "sample").lower())
        return cls(store)

    @classmethod
    def open(cls, path: str | Path) -> Study:
        """A study that was begun before.

        Args:
            path: its folder, or the file in it.

        Raises:
            RunError: there is none, or it is damaged.
        """
        place = Path(path)
        return cls(Store(place / FILE if place.is_dir() else place))

    def changed(self, settings: Settings) -> Study:
        """The same study with other settings: more seeds, more decisions. They are kept once it goes on.

        Raises:
            DesignError, RecipeError: the decisions don't fit the design or the recipe.
            TrainingError: the processor can't do the precision.
        """
        return Study(self.store, _settled(settings))

    def keep(self) -> None:
        """Write down the settings and the arms, before the first trial by them."""
        earlier = Settings.model_validate_json(self.store.get("settings") or "")
        if (earlier.vary_split, earlier.precision) != (self.settings.vary_split, self.settings.precision):
            self.store.put("looks", "[]")  # all trials are new ones
        self.store.put("settings", self.settings.model_dump_json())
        for arm in self.plan.arms:
            figures = self._figures[arm.key]
            self.store.add_arm(arm, figures.parameters, figures.macs)

    def looked(self, seeds: int) -> None:
        """Remember that verdicts were looked at after so many seeds."""
        self.store.put("looks", json.dumps(sorted({*self._earlier_looks, seeds})))

    @property
    def looks(self) -> tuple[int, ...]:
        """After how many seeds verdicts were looked at so far, or will be by these settings."""
        return tuple(sorted({*self._earlier_looks, *self.settings.looks}))

    @property
    def alpha(self) -> float:
        """One minus the level of every interval: smaller where there are several looks."""
        return level(self.looks)

    @property
    def _earlier_looks(self) -> list[int]:
        earlier: list[int] = json.loads(self.store.get("looks") or "[]")
        return earlier

    @cached_property
    def _figures(self) -> dict[str, Analysis]:
        return {arm.key: analyze(arm.design) for arm in self.plan.arms}

    def require_same(self, data: Dataset) -> None:
        """See that `data` is what the study was begun on.

        Raises:
            RunError: it isn't.
        """
        if data.fingerprint != self.fingerprint:
            raise RunError(
                f"the study {self.path} was begun on other images ({self.source}) than these "
                f"({data.source}). Give its own data with --data or --sample."
            )

    # ── Trials ────────────────────────────────────────────────────────────────────────────────────────────────────

    def trial(self, arm: Arm, seed: int) -> Trial:
        """The trial of an arm with a seed."""
        return Trial(arm, seed, self.fingerprint, self.settings.vary_split, self.precision)

    @cached_property
    def precision(self) -> Precision:
        """Of matrix products, in every trial."""
        return pick_precision(pick_device("cpu"), self.settings.precision)

    @cached_property
    def _done(self) -> dict[str, Row]:
        return self.store.trials()

    def record(self, trial: Trial, result: Result | None, cause: str | None, attempts: int) -> Row:
        """Keep what came of a trial, at once."""
        self.store.add_trial(trial, result, cause, attempts)
        self.__dict__.pop("_done", None)
        return self._done[trial.key]

    def found(self, arm: Arm, seed: int) -> Row | None:
        """What is known of a trial."""
        return self._done.get(self.trial(arm, seed).key)

    def results(self, arm: Arm) -> dict[int, Result]:
        """What an arm's trials measured, by seed."""
        return {seed: row.result for seed, row in self._rows(arm) if row.result is not None}

    def failures(self, arm: Arm) -> list[str]:
        """Why some of an arm's trials failed."""
        return [row.cause for _, row in self._rows(arm) if row.cause is not None]

    def _rows(self, arm: Arm) -> Iterator[tuple[int, Row]]:
        for seed in range(self.settings.looks[-1]):
            row = self.found(arm, seed)
            if row is not None:
                yield seed, row

    # ── What they say ─────────────────────────────────────────────────────────────────────────────────────────────

    def evidence(self, *, bootstrap: bool = True) -> tuple[Evidence, ...]:
        """Every row of the table, as it stands now.

        Args:
            bootstrap: compute the bootstrap intervals, too.
        """
        return conclusions.evidence(self, bootstrap=bootstrap)

    def interactions(self) -> tuple[Together, ...]:
        """What was found of the pairs."""
        return tuple(conclusions.together(self, interaction) for interaction in self.plan.interactions)

    def shifts(self) -> tuple[Shifted, ...]:
        """Accuracy on moved images, for every arm that has trials; the choice first."""
        return conclusions.shifts(self)

    @property
    def resolution(self) -> float:
        """The smallest step of an accuracy: one validation image, in points."""
        return 100 / self.images

    def costs(self) -> dict[str, Costs]:
        """What every arm costs, by key."""
        latencies = {key: row.latency for key, row in self.store.arms().items()}
        return {arm.key: self._costs(arm, latencies.get(arm.key)) for arm in self.plan.arms}

    def _costs(self, arm: Arm, latency: float | None) -> Costs:
        figures = self._figures[arm.key]
        seconds = (result.seconds for result in self.results(arm).values())
        # The least: what other processes take from the machine only ever adds.
        return Costs(figures.parameters, figures.macs, min(seconds, default=None), latency)

    # ── Tables ────────────────────────────────────────────────────────────────────────────────────────────────────

    def table(self) -> pl.DataFrame:
        """The table, a row for each alternative."""
        return self._frame("table_rows")

    def trials(self) -> pl.DataFrame:
        """Every trial of the study, with every seed's value."""
        return self._frame("trial_rows")

    def shift_table(self) -> pl.DataFrame:
        """Accuracy on moved images."""
        import polars as pl  # noqa: PLC0415  (only who asks for a frame waits for it)

        columns = {f"shift_{pixels}": [row.accuracies[i] for row in self.shifts()] for i, pixels in enumerate(SHIFTS)}
        names = {"arm": [row.name for row in self.shifts()], "seeds": [row.seeds for row in self.shifts()]}
        return pl.DataFrame(names | columns)

    def _frame(self, what: str) -> pl.DataFrame:
        import polars as pl  # noqa: PLC0415

        from muslin.ablation import table  # noqa: PLC0415  (it knows studies, too)

        rows: Callable[[Study], list[dict[str, object]]] = getattr(table, what)
        return pl.DataFrame(rows(self), infer_schema_length=None)

    def close(self) -> None:
        """Close the file."""
        self.store.close()


def _settled(settings: Settings) -> Settings:
    """With the precision that this machine chooses: read on another, it is still the study of the same trials."""
    return settings.model_copy(update={"precision": pick_precision(pick_device("cpu"), settings.precision)})
