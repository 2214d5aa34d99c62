"""Looking inside a trained network: its filters, its feature maps, and where in an image it finds its evidence.

Names are imported when they are first used: neighbours, regions, occlusion and the strongest units do without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muslin.interpret.activations import feature_maps, strongest_channels
    from muslin.interpret.attention import ClassActivationMaps, class_activation_maps
    from muslin.interpret.evidence import exact_evidence, pooled_layer
    from muslin.interpret.fields import measured_receptive_field
    from muslin.interpret.kernels import PARTS, FilterDescription, Part, chance, describe_filter, describe_filters
    from muslin.interpret.neighbours import Neighbours, Novelty, feature_layer
    from muslin.interpret.occlusion import occlusion_map
    from muslin.interpret.regions import Region, unit_regions
    from muslin.interpret.units import StrongestUnits, Unit, strongest_units
    from muslin.interpret.weights import filters, first_convolution

_HOMES = {
    "PARTS": "kernels",
    "ClassActivationMaps": "attention",
    "FilterDescription": "kernels",
    "Neighbours": "neighbours",
    "Novelty": "neighbours",
    "Part": "kernels",
    "Region": "regions",
    "StrongestUnits": "units",
    "Unit": "units",
    "chance": "kernels",
    "class_activation_maps": "attention",
    "describe_filter": "kernels",
    "describe_filters": "kernels",
    "exact_evidence": "evidence",
    "feature_layer": "neighbours",
    "feature_maps": "activations",
    "filters": "weights",
    "first_convolution": "weights",
    "measured_receptive_field": "fields",
    "occlusion_map": "occlusion",
    "pooled_layer": "evidence",
    "strongest_channels": "activations",
    "strongest_units": "units",
    "unit_regions": "regions",
}

__all__ = [
    "PARTS",
    "ClassActivationMaps",
    "FilterDescription",
    "Neighbours",
    "Novelty",
    "Part",
    "Region",
    "StrongestUnits",
    "Unit",
    "chance",
    "class_activation_maps",
    "describe_filter",
    "describe_filters",
    "exact_evidence",
    "feature_layer",
    "feature_maps",
    "filters",
    "first_convolution",
    "measured_receptive_field",
    "occlusion_map",
    "pooled_layer",
    "strongest_channels",
    "strongest_units",
    "unit_regions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'muslin.interpret' has no attribute '{name}'")
    return getattr(import_module(f"muslin.interpret.{_HOMES[name]}"), name)
