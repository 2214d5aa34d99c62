"""Muslin: design small convolutional networks, train them fast on a CPU, and measure every choice.

    >>> import muslin
    >>> design = muslin.load_design("custom_cnn")
    >>> muslin.analyze(design).parameters
    93962

Names are imported when they are first used, so that what needs no framework doesn't wait for one.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Threads that wait for each other sleep instead of spinning. A spinning thread takes the core from the one it waits for
# as soon as anything else runs on the machine: with one other busy process, a training step on two cores took 380 ms
# instead of 55. It is set here because GNU's OpenMP library reads it when torch loads it; a value set outside stays.
os.environ.setdefault("GOMP_SPINCOUNT", "0")

if TYPE_CHECKING:
    from muslin.ablation import Study, Watcher, ablate
    from muslin.analysis import Analysis, analyze
    from muslin.claims import Checked
    from muslin.data import Audit, Dataset, Split, load_data
    from muslin.design import Design, format_design, load_design, parse_design, save_design
    from muslin.errors import MuslinError
    from muslin.evaluation import Evaluation, Improvement, compare
    from muslin.network import Network
    from muslin.recipe import Recipe, load_recipe
    from muslin.training.callbacks import Callback
    from muslin.training.history import Epoch, History
    from muslin.training.progress import ShowProgress
    from muslin.workflow.run import run_everything
    from muslin.workflow.train import train
    from muslin.workflow.trained_run import Run

_HOMES = {
    "Analysis": "analysis",
    "Audit": "data",
    "Callback": "training.callbacks",
    "Checked": "claims",
    "Dataset": "data",
    "Design": "design",
    "Epoch": "training.history",
    "Evaluation": "evaluation",
    "History": "training.history",
    "Improvement": "evaluation",
    "MuslinError": "errors",
    "Network": "network",
    "Recipe": "recipe",
    "Run": "workflow.trained_run",
    "ShowProgress": "training.progress",
    "Split": "data",
    "Study": "ablation",
    "Watcher": "ablation",
    "ablate": "ablation",
    "analyze": "analysis",
    "compare": "evaluation",
    "format_design": "design",
    "load_data": "data",
    "load_design": "design",
    "load_recipe": "recipe",
    "parse_design": "design",
    "run_everything": "workflow.run",
    "save_design": "design",
    "train": "workflow.train",
}

__all__ = [
    "Analysis",
    "Audit",
    "Callback",
    "Checked",
    "Dataset",
    "Design",
    "Epoch",
    "Evaluation",
    "History",
    "Improvement",
    "MuslinError",
    "Network",
    "Recipe",
    "Run",
    "ShowProgress",
    "Split",
    "Study",
    "Watcher",
    "ablate",
    "analyze",
    "compare",
    "format_design",
    "load_data",
    "load_design",
    "load_recipe",
    "parse_design",
    "run_everything",
    "save_design",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'muslin' has no attribute '{name}'")
    return getattr(import_module(f"muslin.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
