"""Figures: each function takes results and returns a `Figure` of matplotlib; `save` and `to_svg` turn it into files.

Sizes are those of a column some 860 CSS pixels wide. Nothing is drawn by, or known to, pyplot. The architecture
diagram is SVG text and needs no matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muslin.figures.accuracies import accuracy_comparison
    from muslin.figures.architecture import architecture_svg
    from muslin.figures.calibration import reliability
    from muslin.figures.classes import per_class
    from muslin.figures.confusion import confusion_matrix
    from muslin.figures.curves import training_curves
    from muslin.figures.evidence import class_activation_maps
    from muslin.figures.fields import receptive_fields
    from muslin.figures.forest import forest_plot
    from muslin.figures.images import confidently_wrong, sample_grid
    from muslin.figures.kernels import filters
    from muslin.figures.layers import feature_maps
    from muslin.figures.occlusion import occlusion_maps
    from muslin.figures.patches import strongest_patches
    from muslin.figures.responses import filter_responses
    from muslin.figures.style import save, to_svg

# matplotlib takes a moment to import, and maps of a network bring torch: each is loaded when it is asked for.
_PLACES = {
    "accuracy_comparison": "accuracies",
    "architecture_svg": "architecture",
    "class_activation_maps": "evidence",
    "confidently_wrong": "images",
    "confusion_matrix": "confusion",
    "feature_maps": "layers",
    "filter_responses": "responses",
    "filters": "kernels",
    "forest_plot": "forest",
    "occlusion_maps": "occlusion",
    "per_class": "classes",
    "receptive_fields": "fields",
    "reliability": "calibration",
    "sample_grid": "images",
    "save": "style",
    "strongest_patches": "patches",
    "to_svg": "style",
    "training_curves": "curves",
}

__all__ = [
    "accuracy_comparison",
    "architecture_svg",
    "class_activation_maps",
    "confidently_wrong",
    "confusion_matrix",
    "feature_maps",
    "filter_responses",
    "filters",
    "forest_plot",
    "occlusion_maps",
    "per_class",
    "receptive_fields",
    "reliability",
    "sample_grid",
    "save",
    "strongest_patches",
    "to_svg",
    "training_curves",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
