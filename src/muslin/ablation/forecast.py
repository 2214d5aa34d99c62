"""The duration of a study and the differences that it can detect, estimated from a few timed steps of each arm."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from muslin.ablation.plan import arm_names
from muslin.ablation.records import StudyRecords
from muslin.ablation.settings import StudySettings
from muslin.ablation.statistics import POWER, detectable, level
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

# Standard deviation of validation accuracy between seeds, in points, on Fashion-MNIST's 6,000 validation images, where
# two seeds disagree on about 5% of the images. With fewer images each disagreement weighs more.
SEED_DEVIATION, ITS_IMAGES = 0.2, 6_000
START_SECONDS = 4.0  # for a worker to import torch and open the data


@dataclass(frozen=True)
class ArmForecast:
    """Estimate for one arm.

    Attributes:
        name: name of the arm in the plan.
        seconds: duration of one trial.
    """

    name: str
    seconds: float


@dataclass(frozen=True)
class Forecast:
    """Estimated duration and power of a study.

    Attributes:
        trials: number of trials with the initial seeds; finished ones do not count.
        most_trials: number of trials if every alternative stays undecided up to the last seed.
        workers: number of parallel trials.
        seconds: duration of `trials`.
        most_seconds: duration of `most_trials`.
        detectable: smallest difference, in points, that the initial seeds detect with 80% power, if the paired
            differences have a standard deviation of √2 · `deviation`; None with one seed.
        deviation: typical standard deviation of the accuracy between seeds, in points, with this number of validation
            images.
        images: number of validation images.
        seeds: initial number of seeds.
        arms: estimate for each arm, the slowest first.
        notes: alternatives that are left out, with the reason.
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
        """Return all figures as plain values, ready for JSON."""
        return asdict(self) | {"power": POWER}


def forecast(
    design: Design,
    recipe: Recipe,
    data: Dataset,
    settings: StudySettings,
    executor: Executor,
    begun: StudyRecords | None = None,
) -> Forecast:
    """Estimate a study by timing a few steps of every arm, in parallel as its trials would run.

    Args:
        design: design with decisions.
        recipe: recipe that every arm is trained with.
        data: images; the test split is not used.
        settings: settings of the study.
        executor: executor of its trials.
        begun: the study with these settings, if it has been started (default None).

    Returns:
        The estimate.

    Raises:
        DesignError, RecipeError: the decisions do not fit the design or the recipe.
        TrainingError: an arm cannot be timed.
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
                raise TrainingError(f"'{names[answer.key]}' cannot be timed: {answer.cause}.")
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
        sides = 1 + (arm.recipe.augmentation.flip is True)
        asked = sides * len(data.train) + len(data.validation) * settings.epochs
        seconds += settings.teachers * larger * (steps * settings.epochs * step + asked * image)
    return seconds
