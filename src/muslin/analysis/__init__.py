"""Static analysis of designs, before any training. This package imports no deep learning framework."""

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
