"""Data sets: readers, splits and the data audit."""

from muslin.data.audit import Audit
from muslin.data.dataset import Dataset, Place
from muslin.data.load import load_data
from muslin.data.pixels import Scaling
from muslin.data.reading import Reading, ReadingOptions
from muslin.data.split import Split

__all__ = ["Audit", "Dataset", "Place", "Reading", "ReadingOptions", "Scaling", "Split", "load_data"]
