"""Running a study: the trials that remain, where they run, and when they end."""

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
    """Callbacks of a running study; every method does nothing until overridden."""

    def on_start(self, study: Study, waiting: int, workers: int) -> None:
        """Called before the first trial.

        Args:
            study: the study.
            waiting: number of trials until the first look.
            workers: number of parallel trials.
        """

    def on_trial(self, study: Study, trial: Trial, row: Row, waiting: int) -> None:
        """Called after each trial, once it is on disk.

        Args:
            study: the study.
            trial: the finished trial.
            row: its result as kept.
            waiting: number of trials until the next look.
        """

    def on_look(self, study: Study, seeds: int) -> None:
        """Called after each interim look, when every open arm has `seeds` seeds."""


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
    """Measure a design's decisions by training every alternative and the choice on paired seeds.

    Args:
        design: design with decisions, name of one in the library, or TOML file.
        data: images; the test split is not used.
        recipe: recipe that every arm is trained with, name of one in the library, or TOML file (default "fast").
        out: folder in which the study's folder is made (default "studies").
        executor: executor of the trials (default: one single-threaded process for each processor of this machine).
        watch: callbacks (default: none).
        **settings: fields of `StudySettings`: decisions, pairs, seeds, max_seeds, match, margin, vary_split, precision.

    Returns:
        The study. `Study.open(study.path)` reads it again; `resume` continues it.

    Raises:
        DesignError, RecipeError: a decision does not fit the design, the data or the recipe.
        TrainingError: a setting is out of range.
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
    """Resume a study; finished trials are not repeated.

    Args:
        path: folder of the study.
        data: images that the study was started with.
        executor: as in `ablate`.
        watch: as in `ablate`.
        **settings: fields of `StudySettings` that change, such as `seeds`.

    Returns:
        The study.

    Raises:
        RunError: there is no study, or it was started with other images.
        DesignError, RecipeError, TrainingError: the settings do not fit the study, which stays as it was.
    """
    study = Study.open(path)
    study.require_same(data)
    if settings:
        study = study.changed(make_settings(**study.settings.model_dump() | settings))
    return conduct(study, data, executor, watch)


def conduct(study: Study, data: Dataset, executor: Executor | None = None, watch: Watcher | None = None) -> Study:
    """Run the trials that remain of a study.

    Args:
        study: the study.
        data: images that the study was started with.
        executor: as in `ablate`.
        watch: as in `ablate`.

    Returns:
        The study.

    Raises:
        RunError: `data` holds other images than the study was started with.
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
    """Return the trials that remain until every open arm has `seeds` seeds, seed by seed."""
    keep = _open_arms(study) if seeds > study.settings.seeds else {arm.key for arm in study.plan.arms}
    return [
        study.trial(arm, seed)
        for seed in range(seeds)
        for arm in study.plan.arms
        if arm.key in keep and study.found(arm, seed) is None
    ]


def new_folder(parent: Path, design: Design, recipe: Recipe) -> Path:
    """Make a folder for a new study, named after the time, the design and the recipe.

    Args:
        parent: folder in which it is made.
        design: design of the study.
        recipe: recipe of the study.

    Raises:
        MuslinError: the folder cannot be made.
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
                f"the study's folder {path} cannot be made: {error.strerror}. Choose one that you may write to "
                "(-o/--out)."
            ) from error
        return path
    raise MuslinError(f"{parent} holds too many studies named {name}. Choose another folder (-o/--out).")


def _open_arms(study: Study) -> set[str]:
    """Return the keys of the arms whose contrasts or interactions are undecided."""
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
