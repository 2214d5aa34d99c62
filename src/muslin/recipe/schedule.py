"""Learning-rate schedules, and the rules that react to the validation loss."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from muslin.recipe._part import Count, Part, Share


class Constant(Part):
    """Constant learning rate; callbacks may still lower it."""

    kind: Literal["constant"] = "constant"


class Linear(Part):
    """Linear warm-up from zero, then linear decay to zero, updated at every step.

    Attributes:
        warmup: share of all steps spent warming up, 0 to <1 (default 0.1).
    """

    kind: Literal["linear"] = "linear"
    warmup: Share = 0.1


class EarlyStopping(Part):
    """Stop when the validation loss has not improved for `patience` epochs, then restore the best epoch's weights.

    The best weights are also restored when the epoch limit is reached, as Keras 3 does with ``restore_best_weights``.

    Attributes:
        patience: epochs without improvement before training stops (default 10).
    """

    patience: Count = 10


class Plateau(Part):
    """Multiply the learning rate by `factor` when the validation loss has not improved for `patience` epochs.

    Attributes:
        factor: multiplier of the learning rate, between 0 and 1 (default 0.5).
        patience: epochs without improvement before the learning rate is reduced (default 5).
        min_delta: smallest decrease of the validation loss that counts as an improvement (default 0.0001).
        floor: lower bound of the learning rate (default 0).
    """

    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: Count = 5
    min_delta: Annotated[float, Field(ge=0)] = 1e-4
    floor: Annotated[float, Field(ge=0)] = 0.0
