"""Ablation: every decision of a design measured against its alternatives, on paired seeds.

Names are imported when they are first used: a worker process needs few of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muslin.ablation.findings import Evidence, Shifted, Together
    from muslin.ablation.justification import STUDIES
    from muslin.ablation.run import Watcher, ablate, conduct, new_folder, resume, waiting
    from muslin.ablation.settings import Settings, make_settings
    from muslin.ablation.study import Study

_PLACES = {
    "STUDIES": "justification",
    "Evidence": "findings",
    "Settings": "settings",
    "Shifted": "findings",
    "Study": "study",
    "Together": "findings",
    "Watcher": "run",
    "ablate": "run",
    "conduct": "run",
    "make_settings": "settings",
    "new_folder": "run",
    "resume": "run",
    "waiting": "run",
}

__all__ = [
    "STUDIES",
    "Evidence",
    "Settings",
    "Shifted",
    "Study",
    "Together",
    "Watcher",
    "ablate",
    "conduct",
    "make_settings",
    "new_folder",
    "resume",
    "waiting",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
