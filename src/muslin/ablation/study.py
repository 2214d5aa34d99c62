"""A study: decisions, trials and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muslin.ablation.arm import Arm
from muslin.ablation.findings import Evidence, Shifted, Together
from muslin.ablation.plan import Contrast, Interaction, Plan, make_plan
from muslin.ablation.settings import Settings
from muslin.ablation.statistics import FEWEST_PAIRS, Effect, holm, paired_effect
from muslin.ablation.store import FILE, ArmRow, Row, Store
from muslin.ablation.trial import SHIFTS, Result, Trial
from muslin.ablation.verdict import Costs, judge, judge_failure
from muslin.analysis import analyze
from muslin.data import Dataset
from muslin.design import Design, format_design, parse_design
from muslin.errors import RunError
from muslin.recipe import Recipe
from muslin.training.machine import pick_device, pick_precision
from muslin.training.outcome import Precision

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
        sample: whether the data is the sample that ships with Muslin.
        plan: what is trained and compared.
    """

    def __init__(self, store: Store) -> None:
        texts = {name: store.get(name) for name in ("design", "recipe", "settings", "fingerprint", "images")}
        missing = [name for name, text in texts.items() if text is None]
        if missing:
            raise RunError(f"{store.path} holds no study yet: {', '.join(missing)} missing. Start it again.")
        self.store = store
        self.path = store.path.parent
        self.design: Design = parse_design(texts["design"] or "", str(store.path))
        self.recipe = Recipe.model_validate_json(texts["recipe"] or "")
        self.settings = Settings.model_validate_json(texts["settings"] or "")
        self.fingerprint = texts["fingerprint"] or ""
        self.images = int(texts["images"] or 0)
        self.sample = store.get("sample") == "true"
        self.plan: Plan = make_plan(
            self.design,
            self.recipe,
            self.settings.decisions,
            match=self.settings.match,
            pairs=self.settings.pairs,
        )
        for arm in self.plan.arms:
            figures = analyze(arm.design)
            store.add_arm(arm, figures.parameters, figures.macs)

    @classmethod
    def create(cls, folder: Path, design: Design, recipe: Recipe, data: Dataset, settings: Settings) -> Study:
        """Begin a study in `folder`.

        Raises:
            DesignError, RecipeError: the decisions don't fit the design or the recipe.
        """
        make_plan(design, recipe, settings.decisions, match=settings.match, pairs=settings.pairs)  # before any file
        folder.mkdir(parents=True, exist_ok=True)
        store = Store(folder / FILE, create=True)
        store.put("design", format_design(design))
        store.put("recipe", recipe.model_dump_json())
        # Read on another machine, it is still the study of these trials.
        precision = pick_precision(pick_device("cpu"), settings.precision)
        store.put("settings", settings.model_copy(update={"precision": precision}).model_dump_json())
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
        """The same study with other settings, from now on: more seeds, more decisions."""
        self.store.put("settings", settings.model_dump_json())
        return Study(self.store)

    def require_same(self, data: Dataset) -> None:
        """See that `data` is what the study was begun on.

        Raises:
            RunError: it isn't.
        """
        if data.fingerprint != self.fingerprint:
            raise RunError(
                f"the study {self.path} was begun on other images ({self.store.get('source')}) than these "
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
        arms = self.store.arms()
        effects = [self._effect(contrast, bootstrap=bootstrap) for contrast in self.plan.contrasts]
        adjusted = iter(holm([effect.p for effect, _ in effects if effect is not None]))
        return tuple(
            self._evidence(contrast, effect, loss, next(adjusted) if effect else None, arms)
            for contrast, (effect, loss) in zip(self.plan.contrasts, effects, strict=True)
        )

    def interactions(self) -> tuple[Together, ...]:
        """What was found of the pairs."""
        return tuple(self._together(interaction) for interaction in self.plan.interactions)

    def shifts(self) -> tuple[Shifted, ...]:
        """Accuracy on moved images, for every arm that has trials; the choice first."""
        named: dict[str, tuple[str, Arm]] = {}
        for contrast in self.plan.contrasts:
            given = " (as for its alternatives)" if contrast.decision.given else ""
            label = f"{contrast.decision.name}: {contrast.decision.chosen}{given}" if given else self.design.name
            named.setdefault(contrast.chosen.key, (label, contrast.chosen))
        for row in self.evidence(bootstrap=False):
            named.setdefault(
                row.contrast.other.key, (f"{row.contrast.decision.name}: {row.alternative}", row.contrast.other)
            )
        found = []
        for name, arm in named.values():
            results = [result.shifts for result in self.results(arm).values()]
            if results:
                means = tuple(float(value) for value in np.mean(results, axis=0))
                found.append(Shifted(name, means, len(results)))
        return tuple(found)

    def _effect(self, contrast: Contrast, *, bootstrap: bool) -> tuple[Effect | None, Effect | None]:
        chosen, other = self.results(contrast.chosen), self.results(contrast.other)
        seeds = sorted(chosen.keys() & other.keys())
        if len(seeds) < FEWEST_PAIRS:
            return None, None
        accuracy = [100 * (chosen[seed].accuracy - other[seed].accuracy) for seed in seeds]
        loss = [chosen[seed].loss - other[seed].loss for seed in seeds]
        alpha = self.settings.alpha
        return (
            paired_effect(accuracy, alpha=alpha, resolution=self.resolution, bootstrap=bootstrap),
            paired_effect(loss, alpha=alpha),
        )

    @property
    def resolution(self) -> float:
        """The smallest step of an accuracy: one validation image, in points."""
        return 100 / self.images

    def _costs(self, arm: Arm, arms: dict[str, ArmRow]) -> Costs:
        row = arms[arm.key]
        seconds = (result.seconds for result in self.results(arm).values())
        # The least: what other processes take from the machine only ever adds.
        return Costs(row.parameters, row.macs, min(seconds, default=None), row.latency)

    def _evidence(
        self,
        contrast: Contrast,
        effect: Effect | None,
        loss: Effect | None,
        p_holm: float | None,
        arms: dict[str, ArmRow],
    ) -> Evidence:
        chosen, other = self._costs(contrast.chosen, arms), self._costs(contrast.other, arms)
        failed = self.failures(contrast.chosen), self.failures(contrast.other)
        if effect is None:
            verdict = judge_failure(*failed, seeds=len(self.results(contrast.other)))
        else:
            verdict = judge(
                effect,
                chosen,
                other,
                margin=self.settings.margin,
                alpha=self.settings.alpha,
                failures=[*failed[0], *failed[1]],
            )
        return Evidence(contrast, effect, loss, p_holm, chosen, other, verdict)

    def _together(self, interaction: Interaction) -> Together:
        arms = (interaction.first.chosen, interaction.first.other, interaction.second.other, interaction.both)
        neither, first, second, both = (self.results(arm) for arm in arms)
        seeds = sorted(neither.keys() & first.keys() & second.keys() & both.keys())
        if len(seeds) < FEWEST_PAIRS:
            return Together(interaction, None, f"not measured: {len(seeds)} complete seeds so far")
        beyond = [
            100
            * (
                (both[seed].accuracy - neither[seed].accuracy)
                - (first[seed].accuracy - neither[seed].accuracy)
                - (second[seed].accuracy - neither[seed].accuracy)
            )
            for seed in seeds
        ]
        effect = paired_effect(beyond, alpha=self.settings.alpha, resolution=self.resolution)
        low, high = effect.interval
        margin = self.settings.margin
        if -margin < low and high < margin:
            return Together(interaction, effect, f"they add up, within {margin:g} points")
        if low > 0:
            return Together(interaction, effect, "they don't add up: together better than the sum")
        if high < 0:
            return Together(interaction, effect, "they don't add up: together worse than the sum")
        return Together(interaction, effect, "undecided")

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
