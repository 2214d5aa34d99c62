from .activations import feature_maps, strongest_channels
from .cam import ClassActivationMaps, class_activation_maps
from .exact_cam import exact_cam, pooled_layer
from .fields import measured_receptive_field
from .kernels import PARTS, FilterDescription, Part, chance, describe_filter, describe_filters
from .neighbours import Neighbours, Novelty, feature_layer
from .occlusion import occlusion_map
from .regions import Region, unit_regions
from .units import StrongestUnits, Unit, strongest_units
from .weights import filters, first_convolution

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
    "exact_cam",
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
