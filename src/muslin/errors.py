"""Every error that Muslin raises on purpose.

    MuslinError
    ├── DataError          images, labels, splits or the data audit
    │   └── LeakError      test images that are also in the training data
    ├── DesignError        a design that cannot be read, or whose layers do not fit together
    ├── RecipeError        an unknown or invalid recipe
    ├── TrainingError      training that cannot start or continue
    │   └── DivergedError  a loss, gradient or weight that is no longer finite
    ├── RunError           a run folder that is incomplete or cannot be read
    └── ExportError        an export that cannot be written, or that disagrees with the network

Each message names the thing, its value, the rule and the remedy. The command line prints the message as one paragraph
and exits with status 1.
"""

from __future__ import annotations


class MuslinError(Exception):
    """Base class of all errors that Muslin raises on purpose."""


class DataError(MuslinError):
    """A data file is missing, damaged or not in the expected format."""


class LeakError(DataError):
    """The training and test files share images, or come from releases whose splits overlap."""


class DesignError(MuslinError):
    """A design is not valid: it has an unknown field, an invalid value, or layers that do not fit together."""


class RecipeError(MuslinError):
    """A recipe is unknown or one of its values is out of range."""


class TrainingError(MuslinError):
    """Training cannot start or cannot continue."""


class DivergedError(TrainingError):
    """Training diverged: a loss, gradient or weight is no longer finite."""


class RunError(MuslinError):
    """A run folder lacks a file, or a file in it cannot be read."""


class ExportError(MuslinError):
    """An export cannot be written, or its predictions differ from the network's."""
