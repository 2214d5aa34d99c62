"""What can be known of a design without training it. No framework is imported."""

from muslin.analysis.costs import Analysis, Comparison, LayerAnalysis, analyze
from muslin.analysis.fields import ReceptiveField, describe_field, receptive_fields

__all__ = [
    "Analysis",
    "Comparison",
    "LayerAnalysis",
    "ReceptiveField",
    "analyze",
    "describe_field",
    "receptive_fields",
]
