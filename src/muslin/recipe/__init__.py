"""Recipes: training procedures as values (optimizer, schedule, early stopping, augmentation)."""

from muslin.recipe.augmentation import Augmentation
from muslin.recipe.distillation import Distillation
from muslin.recipe.optimizers import Adam, Muon
from muslin.recipe.recipe import FEW_STEPS, Initialization, Recipe
from muslin.recipe.schedule import Constant, EarlyStopping, Linear, Plateau
from muslin.recipe.toml import load_recipe, parse_recipe, recipes

__all__ = [
    "FEW_STEPS",
    "Adam",
    "Augmentation",
    "Constant",
    "Distillation",
    "EarlyStopping",
    "Initialization",
    "Linear",
    "Muon",
    "Plateau",
    "Recipe",
    "load_recipe",
    "parse_recipe",
    "recipes",
]
