"""Carrying a study out: what is still to be trained, where, and until when."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from muslin.ablation.justification import STUDIES
from muslin.ablation.latency import latencies
from muslin.ablation.settings import make_settings
from muslin.ablation.study import Study
from muslin.data import Dataset
from muslin.design import Design, load_design
from muslin.engine.machine import environment
from muslin.errors import MuslinError
from muslin.recipe import Recipe, load_recipe
from muslin.training.fit import check_fit
from muslin.trials.executor import Answer, Executor, Job
from muslin.trials.local import LocalExecutor
from muslin.trials.store import Row
from muslin.trials.trial import Result, Trial


class Watcher:
    """What a study tells those who watch it; every method does nothing until overridden."""

    def on_start(self, study: Study, waiting: int, workers: int) -> None:
        """Before the first trial; so many are to be done, at least."""

    def on_trial(self, study: Study, trial: Trial, row: Row, waiting: int) -> None:
        """After each trial, which is on disk by then; so many are still to be done before the next look."""

    def on_look(self, study: Study, seeds: int) -> None:
        """After every arm that was open has so many seeds."""


def ablate(
    design: Design | str | Path,
    data: Dataset,
    recipe: Recipe | str | Path = "fast",
    *,
    out: str | Path = STUDIES,
    executor: Executor | None = None,
    watch: Watcher | None = None,
    **settings: Any,
) -> Study:
    """Measure a design's decisions: train every alternative on paired seeds, and say what each choice is worth.

    Args:
        design: with decisions; or the name of one in the library, or a TOML file.
        data: the images; the test split is not looked at.
        recipe: that trains every arm; a name from the library, or a TOML file.
        out: the folder that the study's folder is made in.
        executor: where trials run; one single-threaded process for each processor of this machine by default.
        watch: told of every trial.
        **settings: of `muslin.ablation.Settings`: decisions, pairs, seeds, max_seeds, match, margin, vary_split,
            precision.

    Raises:
        DesignError, RecipeError: a decision doesn't fit the design, the data or the recipe.
        TrainingError: a setting is out of range.

    Returns:
        The study, with its tables. `Study.open(study.path)` reads it again; `resume` goes on with it.
    """
    design = design if isinstance(design, Design) else load_design(design)
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    chosen = make_settings(**settings)
    check_fit(design, data, recipe)
    study = Study.create(new_folder(Path(out), design, recipe), design, recipe, data, chosen)
    return conduct(study, data, executor, watch)


def resume(
    path: str | Path,
    data: Dataset,
    *,
    executor: Executor | None = None,
    watch: Watcher | None = None,
    **settings: Any,
) -> Study:
    """Go on with a study: what is finished is not repeated.

    Args:
        path: its folder.
        data: the same images as before.
        executor: as `ablate`.
        watch: as `ablate`.
        **settings: those that are to be different from now on, such as `seeds`.

    Raises:
        RunError: there is no study, or it was begun on other data.
        DesignError, RecipeError, TrainingError: the settings don't fit it; it stays as it was.
    """
    study = Study.open(path)
    study.require_same(data)
    if settings:
        study = study.changed(make_settings(**study.settings.model_dump() | settings))
    return conduct(study, data, executor, watch)


def conduct(study: Study, data: Dataset, executor: Executor | None = None, watch: Watcher | None = None) -> Study:
    """Do what is still to be done of a study.

    Raises:
        RunError: the data are not the study's.
    """
    study.require_same(data)
    study.keep()
    watch = watch or Watcher()
    study.store.put("environment", json.dumps(environment()))
    _measure_latencies(study)
    first = waiting(study, study.settings.looks[0])
    with executor or LocalExecutor(data, study.path) as running:
        watch.on_start(study, len(first), running.workers)
        for seeds in study.settings.looks:
            trials = waiting(study, seeds)
            by_key = {trial.key: trial for trial in trials}
            left = len(trials)
            for answer in running.run([Job(trial.key, trial.to_json()) for trial in trials]) if trials else ():
                left -= 1
                trial = by_key[answer.key]
                watch.on_trial(study, trial, _keep(study, trial, answer), left)
            study.looked(seeds)
            watch.on_look(study, seeds)
    return study


def waiting(study: Study, seeds: int) -> list[Trial]:
    """Trials to be done for so many seeds of every arm that is still open, seed by seed."""
    keep = _open_arms(study) if seeds > study.settings.seeds else {arm.key for arm in study.plan.arms}
    return [
        study.trial(arm, seed)
        for seed in range(seeds)
        for arm in study.plan.arms
        if arm.key in keep and study.found(arm, seed) is None
    ]


def new_folder(parent: Path, design: Design, recipe: Recipe) -> Path:
    """A folder for a new study, named after the time.

    Raises:
        MuslinError: it can't be made.
    """
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{design.name}-{recipe.name}"
    for attempt in range(1, 100):
        path = parent / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise MuslinError(
                f"the study's folder {path} can't be made: {error.strerror}. Choose one that you may write to "
                "(-o/--out)."
            ) from error
        return path
    raise MuslinError(f"there are too many studies called {name} in {parent}. Choose another folder (-o/--out).")


def _open_arms(study: Study) -> set[str]:
    """Arms of contrasts and interactions that are not decided yet."""
    keys: set[str] = set()
    for row in study.evidence(bootstrap=False):
        if row.verdict.open:
            keys |= {row.contrast.chosen.key, row.contrast.other.key}
    for found in study.interactions():
        if found.effect is None or found.text == "undecided":
            one, two = found.interaction.first, found.interaction.second
            keys |= {one.chosen.key, one.other.key, two.other.key, found.interaction.both.key}
    return keys


def _keep(study: Study, trial: Trial, answer: Answer) -> Row:
    if answer.text is None:
        return study.record(trial, None, answer.cause, answer.attempts)
    content = json.loads(answer.text)
    result = Result(**content | {"shifts": tuple(content["shifts"])})
    return study.record(trial, result, result.cause, answer.attempts)


def _measure_latencies(study: Study) -> None:
    known = study.store.arms()
    arms = [arm for arm in study.plan.arms if known[arm.key].latency is None]
    for arm, seconds in zip(arms, latencies([arm.design for arm in arms]), strict=True):
        study.store.set_latency(arm.key, seconds)
