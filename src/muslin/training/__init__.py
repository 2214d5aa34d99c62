"""Training: the loop, optimizers, augmentation, callbacks and the history they leave."""

from muslin.training.callbacks import Callback
from muslin.training.history import Epoch, History
from muslin.training.loop import Fitted, Outcome, Training, check_fit, fit

__all__ = ["Callback", "Epoch", "Fitted", "History", "Outcome", "Training", "check_fit", "fit"]
