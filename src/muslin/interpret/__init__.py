"""Looking inside a trained network: its filters, its feature maps, and where in an image it finds its evidence."""

from muslin.interpret.activations import feature_maps, strongest_channels
from muslin.interpret.attention import ClassActivationMaps, class_activation_maps
from muslin.interpret.fields import measured_receptive_field
from muslin.interpret.kernels import PARTS, FilterDescription, Part, chance, describe_filter, describe_filters
from muslin.interpret.weights import filters, first_convolution

__all__ = [
    "PARTS",
    "ClassActivationMaps",
    "FilterDescription",
    "Part",
    "chance",
    "class_activation_maps",
    "describe_filter",
    "describe_filters",
    "feature_maps",
    "filters",
    "first_convolution",
    "measured_receptive_field",
    "strongest_channels",
]
