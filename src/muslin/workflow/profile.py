"""`muslin.profile`: where a training step's time goes."""

from __future__ import annotations

from pathlib import Path

from muslin.design import Design
from muslin.engine.machine import pick_device
from muslin.errors import TrainingError
from muslin.recipe import Recipe
from muslin.training.profile import Profile
from muslin.training.profile import profile as profiled
from muslin.workflow.inputs import DESIGN, RECIPE, open_design, open_recipe

FEWEST_STEPS = 3


def profile(
    design: Design | str | Path = DESIGN,
    recipe: Recipe | str | Path = RECIPE,
    *,
    steps: int = 30,
    device: str | None = None,
    precision: str | None = None,
) -> Profile:
    """Time the parts of a training step, on noise: nothing is learned.

    Args:
        design: a design, a name from the library, or a TOML file (default "custom_cnn").
        recipe: a recipe, a name from the library, or a TOML file (default "fast").
        steps: number of steps to measure (default 30, at least 3).
        device: "cpu", "cuda" or "mps" (default: the fastest available).
        precision: "float32" or "bfloat16" (default: bfloat16 where the hardware multiplies it natively).

    Returns:
        Milliseconds for each part, and the floor: what its multiplications alone would take at the peak of this
        machine's matrix products.

    Raises:
        DesignError, RecipeError: the design or the recipe cannot be read.
        TrainingError: the device or the precision is not available, or there are too few steps.
    """
    if steps < FEWEST_STEPS:
        raise TrainingError(f"`steps={steps}`: a profile needs at least {FEWEST_STEPS} steps.")
    return profiled(
        open_design(design), open_recipe(recipe), steps=steps, device=pick_device(device), precision=precision
    )
