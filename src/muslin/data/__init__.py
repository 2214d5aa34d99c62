"""Images: where they come from, how they are split, and what is known of them."""

from muslin.data.audit import Audit
from muslin.data.dataset import Dataset, Place
from muslin.data.load import load_data
from muslin.data.split import Split

__all__ = ["Audit", "Dataset", "Place", "Split", "load_data"]
