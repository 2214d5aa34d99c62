from .findings import Evidence, Shifted, Together
from .justification import STUDIES
from .run import Watcher, ablate, conduct, new_folder, resume, waiting
from .settings import StudySettings, make_settings
from .study import Study

__all__ = [
    "STUDIES",
    "Evidence",
    "Shifted",
    "Study",
    "StudySettings",
    "Together",
    "Watcher",
    "ablate",
    "conduct",
    "make_settings",
    "new_folder",
    "resume",
    "waiting",
]
