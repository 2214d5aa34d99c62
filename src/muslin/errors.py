"""Every error that Muslin raises on purpose.

    MuslinError
    ├── DataError          files of images and labels, the split, the audit
    │   └── LeakError      training on one release of the data and testing on another
    ├── DesignError        a design that can't be read, or whose shapes don't fit
    ├── RecipeError        a recipe that is unknown or makes no sense
    ├── TrainingError      training can't start or go on
    │   └── DivergedError  a loss, gradient or weight stopped being finite
    ├── RunError           a run folder that lacks something or can't be read
    └── ExportError        an artifact that can't be written, or doesn't agree with the network

Each message names the thing, its value and the rule, and says what to do. The command line prints it as one
paragraph and exits with status 1.
"""

from __future__ import annotations


class MuslinError(Exception):
    """Base of all errors that Muslin explains."""


class DataError(MuslinError):
    """A data file is missing, damaged, or doesn't say what it should."""


class LeakError(DataError):
    """The training and the test images come from releases whose splits overlap."""


class DesignError(MuslinError):
    """A design is not valid: an unknown field, a bad value, or shapes that do not fit."""


class RecipeError(MuslinError):
    """A recipe is unknown or one of its values is out of range."""


class TrainingError(MuslinError):
    """Training can't start or can't go on."""


class DivergedError(TrainingError):
    """A loss, gradient or weight stopped being finite."""


class RunError(MuslinError):
    """A run folder lacks a file, or a file in it can't be read."""


class ExportError(MuslinError):
    """An exported artifact can't be written, or its predictions differ from the network's."""
