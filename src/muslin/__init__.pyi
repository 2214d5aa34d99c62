from .ablation import Study, Watcher
from .analysis import Analysis
from .data import Audit, Dataset, Split, load_data
from .design import Design, format_design, load_design, parse_design, save_design
from .errors import MuslinError
from .evaluation import Checked, Evaluation, Improvement
from .network import Network
from .recipe import Recipe, load_recipe
from .server.serve import serve
from .training.callbacks import Callback
from .training.history import Epoch, History
from .training.progress import ShowProgress
from .workflow.ablate import ablate
from .workflow.analyze import analyze
from .workflow.compare import Comparison, compare
from .workflow.evaluate import evaluate
from .workflow.export import export
from .workflow.list import Catalog, list  # noqa: A004
from .workflow.new import new
from .workflow.observer import Observer
from .workflow.predict import Prediction, predict
from .workflow.profile import profile
from .workflow.report import report
from .workflow.run import run
from .workflow.train import train
from .workflow.trained_run import Run
from .workflow.visualize import visualize

__all__ = [
    "Analysis",
    "Audit",
    "Callback",
    "Catalog",
    "Checked",
    "Comparison",
    "Dataset",
    "Design",
    "Epoch",
    "Evaluation",
    "History",
    "Improvement",
    "MuslinError",
    "Network",
    "Observer",
    "Prediction",
    "Recipe",
    "Run",
    "ShowProgress",
    "Split",
    "Study",
    "Watcher",
    "__version__",
    "ablate",
    "analyze",
    "compare",
    "evaluate",
    "export",
    "format_design",
    "list",
    "load_data",
    "load_design",
    "load_recipe",
    "new",
    "parse_design",
    "predict",
    "profile",
    "report",
    "run",
    "save_design",
    "serve",
    "train",
    "visualize",
]

__version__: str
