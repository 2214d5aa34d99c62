from .ablation import Study, Watcher, ablate
from .analysis import Analysis, analyze
from .data import Audit, Dataset, Split, load_data
from .design import Design, format_design, load_design, parse_design, save_design
from .errors import MuslinError
from .evaluation import Evaluation, Improvement, compare
from .evaluation.claims import Checked
from .network import Network
from .recipe import Recipe, load_recipe
from .training.callbacks import Callback
from .training.history import Epoch, History
from .training.progress import ShowProgress
from .workflow.run import run_everything
from .workflow.train import train
from .workflow.trained_run import Run

__all__ = [
    "Analysis",
    "Audit",
    "Callback",
    "Checked",
    "Dataset",
    "Design",
    "Epoch",
    "Evaluation",
    "History",
    "Improvement",
    "MuslinError",
    "Network",
    "Recipe",
    "Run",
    "ShowProgress",
    "Split",
    "Study",
    "Watcher",
    "ablate",
    "analyze",
    "compare",
    "format_design",
    "load_data",
    "load_design",
    "load_recipe",
    "parse_design",
    "run_everything",
    "save_design",
    "train",
]
