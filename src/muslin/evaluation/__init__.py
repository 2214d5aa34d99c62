"""From predictions to figures with their uncertainty: accuracy, confusions, calibration, comparison, claims checked."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
