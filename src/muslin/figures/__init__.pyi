from .accuracies import accuracy_comparison
from .architecture import architecture_svg
from .calibration import reliability
from .cam import class_activation_maps
from .classes import per_class
from .confusion import confusion_matrix
from .curves import training_curves
from .fields import receptive_fields
from .forest import forest_plot
from .images import confidently_wrong, sample_grid
from .kernels import filters
from .layers import feature_maps
from .occlusion import occlusion_maps
from .patches import strongest_patches
from .responses import filter_responses
from .style import save, to_svg

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
