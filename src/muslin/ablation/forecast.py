"""What a study would take, and what it could show, from a few timed steps of each arm."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from muslin.ablation.plan import arm_names
from muslin.ablation.settings import Settings
from muslin.ablation.statistics import POWER, detectable, level
from muslin.ablation.study import Study
from muslin.analysis import analyze
from muslin.data import Dataset
from muslin.design import Design
from muslin.engine.machine import pick_device, pick_precision
from muslin.errors import TrainingError
from muslin.recipe import Recipe
from muslin.training.teachers import teacher
from muslin.trials.arm import Arm
from muslin.trials.executor import Executor, Job
from muslin.trials.trial import SHIFTED_IMAGES, SHIFTS, probe_json

# Standard deviation of validation accuracy between seeds, in points, on Fashion-MNIST's 6,000 validation images. Of so
# much, two seeds disagree about one image in twenty; with fewer images, these weigh more.
SEED_DEVIATION, ITS_IMAGES = 0.2, 6_000
START_SECONDS = 4.0  # until a worker has imported torch and opened the data


@dataclass(frozen=True)
class ArmForecast:
    """An arm's part: its name in the plan, and seconds for one trial."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Forecast:
    """What a study would take, and what it could show.

    Attributes:
        trials: with the seeds to begin with; those that are done already don't count.
        most_trials: if every alternative stays undecided to the last seed.
        workers: trials at a time.
        seconds: for `trials`.
        most_seconds: for `most_trials`.
        detectable: the smallest difference, in points, that so many seeds find in four studies of five, if differences
            between paired seeds deviate by √2 · `deviation`; None with one seed.
        deviation: of accuracy between seeds, in points, as it is usual with so many validation images.
        images: in the validation split.
        seeds: to begin with.
        arms: each with its seconds, the slowest first.
        notes: what is left out, and why.
    """

    trials: int
    most_trials: int
    workers: int
    seconds: float
    most_seconds: float
    detectable: float | None
    deviation: float
    images: int
    seeds: int
    arms: tuple[ArmForecast, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain values, ready for JSON."""
        return asdict(self) | {"power": POWER}


def forecast(
    design: Design, recipe: Recipe, data: Dataset, settings: Settings, executor: Executor, begun: Study | None = None
) -> Forecast:
    """Time a few steps of every arm where trials would run, as many at a time as they would.

    Args:
        design: whose decisions.
        recipe: of every trial.
        data: the images.
        settings: of the study.
        executor: where its trials would run.
        begun: the study, with these settings, if it is there already.

    Raises:
        TrainingError: an arm can't even take a few steps.
    """
    plan = settings.plan(design, recipe)
    precision = pick_precision(pick_device("cpu"), settings.precision)
    alpha = begun.alpha if begun else level(settings.looks)
    names, seconds = arm_names(plan), dict[str, float]()
    arms = {arm.key: arm for arm in plan.arms}
    with executor as running:
        workers = running.workers
        for answer in running.run([Job(key, probe_json(arm, precision)) for key, arm in arms.items()]):
            if answer.text is None:
                raise TrainingError(f"'{names[answer.key]}' can't be timed: {answer.cause}.")
            seconds[answer.key] = _trial_seconds(arms[answer.key], data, **json.loads(answer.text))
    first, last = (
        {key: sum(not (begun and begun.found(arm, seed)) for seed in range(seeds)) for key, arm in arms.items()}
        for seeds in (settings.seeds, settings.looks[-1])
    )
    images = len(data.validation)
    deviation = SEED_DEVIATION * sqrt(ITS_IMAGES / images)
    slowest = sorted(seconds, key=lambda key: -seconds[key])
    return Forecast(
        trials=sum(first.values()),
        most_trials=sum(last.values()),
        workers=workers,
        seconds=START_SECONDS + sum(seconds[key] * count for key, count in first.items()) / workers,
        most_seconds=START_SECONDS + sum(seconds[key] * count for key, count in last.items()) / workers,
        detectable=detectable(settings.seeds, sqrt(2) * deviation, alpha=alpha) if settings.seeds > 1 else None,
        deviation=deviation,
        images=images,
        seeds=settings.seeds,
        arms=tuple(ArmForecast(names[key], seconds[key]) for key in slowest),
        notes=plan.notes,
    )


def _trial_seconds(arm: Arm, data: Dataset, step: float, image: float) -> float:
    steps = arm.recipe.steps(len(data.train))
    moved = 1 + 4 * (len(SHIFTS) - 1)
    images = len(data.validation) * (arm.recipe.epochs + 1) + min(SHIFTED_IMAGES, len(data.validation)) * moved
    seconds = steps * arm.recipe.epochs * step + images * image
    if settings := arm.recipe.distillation:
        larger = analyze(teacher(arm.design, settings)).macs / analyze(arm.design).macs
        sides = 1 + arm.recipe.augmentation.flip
        asked = sides * len(data.train) + len(data.validation) * settings.epochs
        seconds += settings.teachers * larger * (steps * settings.epochs * step + asked * image)
    return seconds
